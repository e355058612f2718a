//! Watches: every watcher gets all changes of its keys, whole revisions in order, each exactly once.
//!
//! The hub does no I/O and knows no time. It is told when the store has new revisions ([`Hub::applied`]), reads history
//! for watchers that are behind in bounded steps ([`Hub::catch_up`]), and fills an [`Outbox`] for each stream. Whoever
//! sends empties the outboxes at the pace of its receivers: a watcher whose stream is full goes back to reading history
//! instead of queueing more.

mod catch_up;
mod encode;
mod interests;
mod outbox;
mod round;
#[cfg(test)]
mod tests;
mod watcher;

use std::{collections::HashMap, mem, sync::Arc, task::Waker};

pub use self::outbox::{Delivery, Outbox, Taken};
use self::{
    interests::{Interests, Keys},
    outbox::Bounds,
    watcher::{Options, Place, Stream, Watcher},
};
use crate::{
    api::etcdserverpb::WatchCreateRequest,
    faults::{self, Fault},
    store::Store,
};

/// Names a watcher within its stream.
pub type WatchId = i64;

/// Stands for all watchers of a stream, or for none.
pub const ALL_WATCHERS: WatchId = -1;

/// Names a stream within its hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StreamId(u64);

/// Where a watcher stands in the hub's table.
type Slot = usize;

/// Why no watcher was created. The texts are etcd's: clients match them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The end of the range isn't above its start.
    #[error("mvcc: watcher range is empty")]
    EmptyRange,
    /// The stream has a watcher of this identifier.
    #[error("mvcc: duplicate watch ID provided on the WatchStream")]
    DuplicateId,
    /// Revisions are positive.
    #[error("etcdserver: mvcc: required revision has been compacted")]
    NegativeRevision,
}

/// All watchers of one member.
#[derive(Default)]
pub struct Hub {
    bounds: Bounds,
    watchers: Vec<Watcher>,
    free: Vec<Slot>,
    streams: HashMap<StreamId, Stream>,
    last_stream: u64,
    synced: Interests,
    behind: Interests,
    /// The watchers in `behind`, in no order.
    behind_slots: Vec<Slot>,
    /// Revision up to which the synced watchers have been told.
    seen: i64,
    /// Those with pending events.
    touched: Vec<Slot>,
    found: Vec<Slot>,
    wakers: Vec<Waker>,
}

impl std::fmt::Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hub").field("streams", &self.streams.len()).field("seen", &self.seen).finish_non_exhaustive()
    }
}

impl Hub {
    /// A hub without watchers, for a store that stands at `revision`.
    #[must_use]
    pub fn new(revision: i64) -> Self {
        Self { seen: revision, ..Self::default() }
    }

    /// Revision up to which the watchers that aren't behind have been told.
    #[must_use]
    pub fn seen(&self) -> i64 {
        self.seen
    }

    /// How many watchers there are.
    #[must_use]
    pub fn watchers(&self) -> usize {
        self.watchers.len() - self.free.len()
    }

    /// How many of them read history.
    #[must_use]
    pub fn behind(&self) -> usize {
        self.behind_slots.len()
    }

    /// Opens a stream: watchers whose deliveries go to one outbox.
    pub fn open(&mut self) -> (StreamId, Arc<Outbox>) {
        self.last_stream += 1;
        let id = StreamId(self.last_stream);
        let outbox = Arc::new(Outbox::new(self.bounds));
        self.streams.insert(id, Stream { outbox: Arc::clone(&outbox), watchers: HashMap::new(), next_id: 0 });
        (id, outbox)
    }

    /// Ends a stream and all of its watchers.
    pub fn close(&mut self, stream: StreamId) {
        let Some(closed) = self.streams.remove(&stream) else { return };
        closed.watchers.into_values().for_each(|slot| self.release(slot));
    }

    /// Creates a watcher as the request says. Either way the stream is told, and first of all.
    ///
    /// An identifier of 0 asks for the stream's next free one.
    pub fn watch(&mut self, store: &Store, stream: StreamId, request: WatchCreateRequest) {
        let revision = store.revision();
        let delivery = match self.create(revision, stream, request) {
            Some(Ok(watch_id)) => Delivery::Created { watch_id, revision },
            Some(Err(refusal)) => Delivery::Refused { revision, reason: refusal.to_string() },
            None => return,
        };
        self.tell(stream, delivery);
    }

    /// Ends a watcher on request. The stream is told unless there was none.
    pub fn cancel(&mut self, store: &Store, stream: StreamId, watch_id: WatchId) {
        let Some(slot) = self.streams.get_mut(&stream).and_then(|known| known.watchers.remove(&watch_id)) else {
            return;
        };
        self.release(slot);
        self.tell(stream, Delivery::Canceled { watch_id, revision: store.revision() });
    }

    /// Tells a stream how far all of its watchers are, if none is behind; otherwise nothing.
    pub fn request_progress(&mut self, store: &Store, stream: StreamId) {
        self.applied(store);
        let Some(known) = self.streams.get(&stream) else { return };
        let watchers = known.watchers.values().map(|slot| &self.watchers[*slot]);
        let mut active = watchers.filter(|watcher| watcher.place != Place::Ended).peekable();
        if active.peek().is_some() && active.all(|watcher| watcher.has_reached(self.seen)) {
            self.tell(stream, Delivery::Progress { watch_id: ALL_WATCHERS, revision: self.seen });
        }
    }

    /// An interval has passed: tells of progress where a watcher asked for it, and heard nothing in the interval.
    pub fn report_progress(&mut self, store: &Store, stream: StreamId) {
        self.applied(store);
        let Some(known) = self.streams.get(&stream) else { return };
        let mut due = Vec::new();
        for (id, slot) in &known.watchers {
            let watcher = &mut self.watchers[*slot];
            if !watcher.options.progress_notify {
                continue;
            }
            if mem::replace(&mut watcher.quiet, true) && watcher.has_reached(self.seen) {
                due.push(*id);
            }
        }
        due.sort_unstable();
        for watch_id in due {
            self.tell(stream, Delivery::Progress { watch_id, revision: self.seen });
        }
    }

    /// Tells the watchers that aren't behind of all revisions since the last call.
    ///
    /// Has to be called after a compaction before the versions it made superfluous are purged: a watcher that is not
    /// behind never loses its place to a compaction.
    pub fn applied(&mut self, store: &Store) {
        let revision = store.revision();
        if revision <= self.seen {
            return;
        }
        if !self.synced.is_empty() {
            match store.events_kept(self.seen + 1) {
                Some(events) => {
                    for event in events {
                        self.dispatch(Place::Synced, &event, store);
                    }
                    self.flush(revision);
                }
                // The store was replaced by a snapshot: what came between is gone.
                None => self.all_fall_behind(),
            }
        }
        self.seen = revision;
        self.wake();
    }

    fn create(
        &mut self,
        revision: i64,
        stream: StreamId,
        request: WatchCreateRequest,
    ) -> Option<Result<WatchId, Refusal>> {
        let known = self.streams.get_mut(&stream)?;
        if request.start_revision < 0 {
            return Some(Err(Refusal::NegativeRevision));
        }
        let options = Options::of(&request);
        let Some(keys) = Keys::new(request.key, request.range_end) else { return Some(Err(Refusal::EmptyRange)) };
        let Some(id) = known.choose_id(request.watch_id) else { return Some(Err(Refusal::DuplicateId)) };
        let start = request.start_revision;
        let past = start != 0 && start <= revision;
        let watcher = Watcher {
            id,
            outbox: Arc::clone(&known.outbox),
            keys,
            options,
            place: Place::Free,
            behind_at: 0,
            start,
            next: if past { start } else { start.max(revision + 1) },
            pending: Vec::new(),
            pending_bytes: 0,
            pending_first: 0,
            pending_last: 0,
            stopped: false,
            quiet: true,
            skips: past && faults::active(Fault::WatchGap),
        };
        let slot = self.take_slot(watcher);
        if let Some(known) = self.streams.get_mut(&stream) {
            known.watchers.insert(id, slot);
        }
        self.put(slot, if past { Place::Behind } else { Place::Synced });
        Some(Ok(id))
    }

    fn take_slot(&mut self, watcher: Watcher) -> Slot {
        match self.free.pop() {
            Some(slot) => {
                self.watchers[slot] = watcher;
                slot
            }
            None => {
                self.watchers.push(watcher);
                self.watchers.len() - 1
            }
        }
    }

    fn release(&mut self, slot: Slot) {
        self.put(slot, Place::Free);
        self.watchers[slot].pending = Vec::new();
        self.watchers[slot].outbox = Arc::default();
        self.free.push(slot);
    }

    fn put(&mut self, slot: Slot, place: Place) {
        let watcher = &mut self.watchers[slot];
        match mem::replace(&mut watcher.place, place) {
            Place::Synced => self.synced.remove(&watcher.keys, slot),
            Place::Behind => {
                self.behind.remove(&watcher.keys, slot);
                let place = watcher.behind_at;
                self.behind_slots.swap_remove(place);
                if let Some(moved) = self.behind_slots.get(place) {
                    self.watchers[*moved].behind_at = place;
                }
            }
            Place::Free | Place::Ended => {}
        }
        let watcher = &mut self.watchers[slot];
        match place {
            Place::Synced => self.synced.insert(&watcher.keys, slot),
            Place::Behind => {
                self.behind.insert(&watcher.keys, slot);
                watcher.behind_at = self.behind_slots.len();
                self.behind_slots.push(slot);
            }
            Place::Free | Place::Ended => {}
        }
    }

    fn tell(&mut self, stream: StreamId, delivery: Delivery) {
        let waker = self.streams.get(&stream).and_then(|known| known.outbox.push(delivery));
        self.wakers.extend(waker);
        self.wake();
    }

    /// After a round, so that a receiver finds all of it.
    fn wake(&mut self) {
        self.wakers.drain(..).for_each(Waker::wake);
    }
}

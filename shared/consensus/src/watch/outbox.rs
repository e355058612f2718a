//! What waits to be sent to one stream.

use std::{
    collections::VecDeque,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use prost::Message as _;

use super::WatchId;
use crate::api::mvccpb;

/// What a delivery itself takes, next to its events.
const OVERHEAD: usize = 128;

/// How much may wait to be sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Bytes a stream may have waiting before its watchers stop, and go back to reading history.
    pub(super) stream: usize,
    /// Bytes of events in one delivery, unless a single revision has more.
    pub(super) delivery: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { stream: 4 << 20, delivery: 1 << 20 }
    }
}

/// One thing to tell a stream. Within a stream the order holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// A watcher exists; what follows for this identifier is its own.
    Created {
        /// The watcher.
        watch_id: WatchId,
        /// The store's revision then.
        revision: i64,
    },
    /// No watcher was created.
    Refused {
        /// The store's revision then.
        revision: i64,
        /// Why.
        reason: String,
    },
    /// Changes, whole revisions in order.
    Events {
        /// Of which watcher.
        watch_id: WatchId,
        /// All of the watcher's events up to this revision have been delivered with this one.
        revision: i64,
        /// Encoded `mvccpb.Event` messages, shared with the other watchers that get them.
        events: Vec<Bytes>,
        /// Whether the watcher allows its events to be sent in several messages.
        fragment: bool,
    },
    /// No events came, and all up to this revision have been delivered.
    Progress {
        /// Of which watcher; [`ALL_WATCHERS`](super::ALL_WATCHERS) speaks for the whole stream.
        watch_id: WatchId,
        /// Up to which revision.
        revision: i64,
    },
    /// The watcher was ended on request.
    Canceled {
        /// The watcher.
        watch_id: WatchId,
        /// The store's revision then.
        revision: i64,
    },
    /// The watcher was ended: what it had to read next is gone.
    Compacted {
        /// The watcher.
        watch_id: WatchId,
        /// History before this revision is gone.
        compact_revision: i64,
    },
}

impl Delivery {
    /// The events, decoded. Empty for anything but [`Delivery::Events`].
    ///
    /// # Errors
    /// Never for a delivery of a hub.
    pub fn decode_events(&self) -> Result<Vec<mvccpb::Event>, prost::DecodeError> {
        match self {
            Self::Events { events, .. } => events.iter().map(|event| mvccpb::Event::decode(event.clone())).collect(),
            _ => Ok(Vec::new()),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Events { events, .. } => OVERHEAD + size(events),
            _ => OVERHEAD,
        }
    }
}

fn size(events: &[Bytes]) -> usize {
    events.iter().map(|event| event.len() + mem::size_of::<Bytes>()).sum()
}

/// A stream's queue, filled by the hub and emptied by whoever sends. Bounded: a full one takes no more events.
#[derive(Debug, Default)]
pub struct Outbox {
    bounds: Bounds,
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    deliveries: VecDeque<Delivery>,
    bytes: usize,
    /// Whether a watcher stopped because of a full queue.
    starved: bool,
    waker: Option<Waker>,
}

/// A delivery, and what taking it means for the hub.
#[derive(Debug)]
pub struct Taken {
    /// What to send.
    pub delivery: Delivery,
    /// A watcher stopped for lack of room, and there is room again: [`Hub::catch_up`](super::Hub::catch_up) is due.
    pub made_room: bool,
}

impl Outbox {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self { bounds, queue: Mutex::default() }
    }

    /// The next delivery, if one waits.
    pub fn take(&self) -> Option<Taken> {
        self.queue().take(self.bounds)
    }

    /// The next delivery; the task is woken when one comes.
    pub fn poll_take(&self, context: &mut Context<'_>) -> Poll<Taken> {
        let mut queue = self.queue();
        if let Some(taken) = queue.take(self.bounds) {
            return Poll::Ready(taken);
        }
        if queue.waker.as_ref().is_none_or(|waker| !waker.will_wake(context.waker())) {
            queue.waker = Some(context.waker().clone());
        }
        Poll::Pending
    }

    /// Whether events may be added. Where not, the next taker that makes room says so.
    pub(super) fn has_room(&self) -> bool {
        let mut queue = self.queue();
        let room = queue.bytes < self.bounds.stream;
        queue.starved |= !room;
        room
    }

    /// Returns who waits for it.
    pub(super) fn push(&self, delivery: Delivery) -> Option<Waker> {
        let mut queue = self.queue();
        queue.push(delivery, self.bounds);
        queue.waker.take()
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        // Nothing panics between two changes that belong together.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn take(&mut self, bounds: Bounds) -> Option<Taken> {
        let delivery = self.deliveries.pop_front()?;
        self.bytes -= delivery.bytes();
        if self.deliveries.is_empty() && self.deliveries.capacity() > 64 {
            self.deliveries = VecDeque::new();
        }
        // Half, so that history isn't read anew for a few events at a time.
        let made_room = self.starved && self.bytes <= bounds.stream / 2;
        self.starved &= !made_room;
        Some(Taken { delivery, made_room })
    }

    fn push(&mut self, delivery: Delivery, bounds: Bounds) {
        if let Some(Delivery::Events { watch_id, revision, events, .. }) = self.deliveries.back_mut()
            && let Delivery::Events { watch_id: id, revision: later, events: more, .. } = &delivery
            && watch_id == id
            && size(events) < bounds.delivery
        {
            // The receiver is behind: fewer, larger messages help it.
            *revision = *later;
            events.extend_from_slice(more);
            self.bytes += size(more);
            return;
        }
        self.bytes += delivery.bytes();
        self.deliveries.push_back(delivery);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(watch_id: WatchId, revision: i64, bytes: usize) -> Delivery {
        Delivery::Events { watch_id, revision, events: vec![Bytes::from(vec![0; bytes])], fragment: false }
    }

    #[test]
    fn joins_what_waits_for_the_same_watcher() {
        let outbox = Outbox::default();
        outbox.push(events(1, 2, 8));
        outbox.push(events(1, 3, 8));
        outbox.push(events(2, 3, 8));
        outbox.push(events(1, 4, 8));
        let taken: Vec<_> = std::iter::from_fn(|| outbox.take()).map(|taken| taken.delivery).collect();
        let counts = taken.iter().map(|delivery| match delivery {
            Delivery::Events { watch_id, revision, events, .. } => (*watch_id, *revision, events.len()),
            _ => (0, 0, 0),
        });
        assert_eq!(counts.collect::<Vec<_>>(), [(1, 3, 2), (2, 3, 1), (1, 4, 1)]);
        assert_eq!(outbox.queue().bytes, 0);
    }

    #[test]
    fn says_once_that_there_is_room_again() {
        let outbox = Outbox::default();
        (0..8).for_each(|id| _ = outbox.push(events(id, 2, Bounds::default().stream / 8)));
        assert!(!outbox.has_room());
        let said: Vec<bool> = std::iter::from_fn(|| outbox.take()).map(|taken| taken.made_room).collect();
        assert_eq!(said.iter().filter(|said| **said).count(), 1);
        assert!(outbox.has_room());
        outbox.push(events(1, 2, 1));
        assert!(!outbox.take().unwrap().made_room);
    }
}

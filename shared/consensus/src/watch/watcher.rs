//! What the hub knows of a stream and of a watcher.

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;

use super::{Outbox, Slot, WatchId, interests::Keys};
use crate::{
    api::etcdserverpb::{WatchCreateRequest, watch_create_request::FilterType},
    store::EventRef,
};

pub(super) struct Stream {
    pub(super) outbox: Arc<Outbox>,
    pub(super) watchers: HashMap<WatchId, Slot>,
    pub(super) next_id: WatchId,
}

pub(super) struct Watcher {
    pub(super) id: WatchId,
    pub(super) outbox: Arc<Outbox>,
    pub(super) keys: Keys,
    pub(super) options: Options,
    pub(super) place: Place,
    /// Where it stands in `Hub::behind_slots`.
    pub(super) behind_at: usize,
    /// Its first revision, as asked for; 0 where it began with what came next.
    pub(super) start: i64,
    /// It has all its events below this revision. A synced one has them up to `Hub::seen`, too.
    pub(super) next: i64,
    /// Encoded events of the current round, and the revisions of the first and the last of them.
    pub(super) pending: Vec<Bytes>,
    pub(super) pending_bytes: usize,
    pub(super) pending_first: i64,
    pub(super) pending_last: i64,
    /// Its stream is full: it takes nothing in this round.
    pub(super) stopped: bool,
    /// Whether nothing came since progress was last reported, or due.
    pub(super) quiet: bool,
    /// A fault put in on purpose: leaves out the next event.
    pub(super) skips: bool,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Options {
    pub(super) no_put: bool,
    pub(super) no_delete: bool,
    pub(super) prev_kv: bool,
    pub(super) fragment: bool,
    pub(super) progress_notify: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Free,
    /// Hears of new revisions as they come.
    Synced,
    /// Reads history.
    Behind,
    /// What it had to read is gone. Its identifier is taken until the client cancels it.
    Ended,
}

impl Stream {
    /// The identifier to use, unless the one asked for is taken.
    pub(super) fn choose_id(&mut self, asked: WatchId) -> Option<WatchId> {
        if asked != 0 {
            return (!self.watchers.contains_key(&asked)).then_some(asked);
        }
        while self.watchers.contains_key(&self.next_id) {
            self.next_id += 1;
        }
        self.next_id += 1;
        Some(self.next_id - 1)
    }
}

impl Watcher {
    pub(super) fn wants(&self, event: &EventRef<'_>) -> bool {
        let filtered = if event.tombstone { self.options.no_delete } else { self.options.no_put };
        !filtered && !self.stopped && event.main >= self.next
    }

    pub(super) fn has_reached(&self, revision: i64) -> bool {
        self.place == Place::Synced && revision >= self.start
    }
}

impl Options {
    pub(super) fn of(request: &WatchCreateRequest) -> Self {
        Self {
            no_put: request.filters.contains(&i32::from(FilterType::Noput)),
            no_delete: request.filters.contains(&i32::from(FilterType::Nodelete)),
            prev_kv: request.prev_kv,
            fragment: request.fragment,
            progress_notify: request.progress_notify,
        }
    }
}

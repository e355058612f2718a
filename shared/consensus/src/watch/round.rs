//! One round: events go to all who watch their keys, and at its end each watcher gets its own in one delivery.

use std::mem;

use super::{Delivery, Hub, Slot, encode::Encoded, watcher::Place};
use crate::store::{EventRef, Store};

impl Hub {
    /// Adds one change to the pending events of all who watch its key. It is encoded at most twice: with the version
    /// before it, and without.
    pub(super) fn dispatch(&mut self, place: Place, event: &EventRef<'_>, store: &Store) {
        let mut found = mem::take(&mut self.found);
        found.clear();
        let interests = if place == Place::Synced { &self.synced } else { &self.behind };
        interests.find(event.key, &mut found);
        let mut encoded = Encoded::default();
        for &slot in &found {
            let watcher = &mut self.watchers[slot];
            if !watcher.wants(event) || mem::take(&mut watcher.skips) {
                continue;
            }
            if watcher.pending_bytes >= self.bounds.delivery && watcher.pending_last != event.main {
                self.flush_one(slot, event.main - 1);
                if self.watchers[slot].stopped {
                    continue;
                }
            }
            let watcher = &mut self.watchers[slot];
            if watcher.pending.is_empty() {
                watcher.pending_first = event.main;
                self.touched.push(slot);
            }
            watcher.pending_last = event.main;
            let bytes = encoded.get(event, watcher.options.prev_kv, store);
            watcher.pending_bytes += bytes.len();
            watcher.pending.push(bytes);
        }
        self.found = found;
    }

    /// Ends a round: all watchers have had their events up to `revision`.
    pub(super) fn flush(&mut self, revision: i64) {
        let mut touched = mem::take(&mut self.touched);
        for slot in touched.drain(..) {
            self.flush_one(slot, revision);
            let watcher = &mut self.watchers[slot];
            if mem::take(&mut watcher.stopped) && watcher.place == Place::Synced {
                self.put(slot, Place::Behind);
            }
        }
        self.touched = touched;
    }

    /// Delivers what is pending, complete up to `revision`. Where there is no room, the watcher stops before it.
    pub(super) fn flush_one(&mut self, slot: Slot, revision: i64) {
        let watcher = &mut self.watchers[slot];
        if watcher.pending.is_empty() {
            return;
        }
        let events = mem::take(&mut watcher.pending);
        watcher.pending_bytes = 0;
        if watcher.outbox.has_room() {
            watcher.next = revision + 1;
            watcher.quiet = false;
            let (watch_id, fragment) = (watcher.id, watcher.options.fragment);
            let waker = watcher.outbox.push(Delivery::Events { watch_id, revision, events, fragment });
            self.wakers.extend(waker);
        } else {
            watcher.next = watcher.pending_first;
            watcher.stopped = true;
        }
    }

    pub(super) fn all_fall_behind(&mut self) {
        for slot in 0..self.watchers.len() {
            let watcher = &mut self.watchers[slot];
            if watcher.place == Place::Synced {
                watcher.next = watcher.next.max(self.seen + 1);
                self.put(slot, Place::Behind);
            }
        }
    }
}

//! Watchers that are behind read history together, a bounded piece at a time.

use super::{Delivery, Hub, Slot, watcher::Place};
use crate::store::Store;

impl Hub {
    /// Reads about `budget` records of history for the watchers that are behind and whose streams have room. Returns
    /// whether there is more to read at once; if not, room or new revisions make the next call worthwhile.
    ///
    /// Those that have caught up hear of new revisions as they come; those that need what a compaction took are ended.
    pub fn catch_up(&mut self, store: &Store, budget: usize) -> bool {
        self.applied(store);
        self.end_compacted(store.compact_revision());
        let readers = self.readers();
        let Some(from) = readers.iter().map(|slot| self.watchers[*slot].next).min() else {
            self.wake();
            return false;
        };
        let upto = self.read(store, from, budget);
        self.settle(&readers, upto);
        self.wake();
        self.behind_slots.iter().any(|slot| !self.watchers[*slot].stopped)
    }

    /// Ends watchers that have to read what is gone.
    fn end_compacted(&mut self, compact_revision: i64) {
        let gone = |slot: &Slot| self.watchers[*slot].next < compact_revision;
        for slot in self.behind_slots.iter().copied().filter(gone).collect::<Vec<_>>() {
            self.put(slot, Place::Ended);
            let watcher = &self.watchers[slot];
            self.wakers.extend(watcher.outbox.push(Delivery::Compacted { watch_id: watcher.id, compact_revision }));
        }
    }

    /// Those behind whose streams have room. The others stop; their streams say when there is room again.
    fn readers(&mut self) -> Vec<Slot> {
        let mut readers = self.behind_slots.clone();
        readers.retain(|slot| {
            let watcher = &mut self.watchers[*slot];
            watcher.stopped = !watcher.outbox.has_room();
            !watcher.stopped
        });
        readers
    }

    /// Hands events of revision `from` and later to those behind. Returns up to which revision all have been.
    fn read(&mut self, store: &Store, from: i64, budget: usize) -> i64 {
        let mut upto = self.seen;
        let Ok(events) = store.events(from) else { return from - 1 };
        let mut last = from - 1;
        for (count, event) in events.enumerate() {
            if count >= budget && event.main != last {
                upto = last;
                break;
            }
            last = event.main;
            self.dispatch(Place::Behind, &event, store);
        }
        for slot in std::mem::take(&mut self.touched) {
            self.flush_one(slot, upto);
        }
        upto
    }

    /// Whoever has read as far as the store goes is no longer behind.
    fn settle(&mut self, readers: &[Slot], upto: i64) {
        for &slot in readers {
            let watcher = &mut self.watchers[slot];
            if watcher.stopped {
                continue;
            }
            watcher.next = watcher.next.max(upto + 1);
            if watcher.next > self.seen {
                self.put(slot, Place::Synced);
            }
        }
    }
}

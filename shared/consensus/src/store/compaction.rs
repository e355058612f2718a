//! Forgetting history: logically at once, physically in portions.

use std::sync::Arc;

use super::Store;
use super::error::Error;
use super::record::{Record, Revision};
use crate::faults::{self, Fault};

impl Store {
    /// Makes everything before `revision` unreadable.
    pub(super) fn compact(&mut self, revision: i64) -> Result<(), Error> {
        if revision <= self.compact_revision {
            return Err(Error::Compacted);
        }
        if revision > self.revision {
            return Err(Error::FutureRevision);
        }
        if faults::active(Fault::UnappliedCompaction) {
            return Ok(());
        }
        // What stands at the last compact revision was kept, and may have to go now.
        let from = Revision { main: self.compact_revision, sub: 0 };
        self.unpurged = Some(self.unpurged.map_or(from, |unpurged| unpurged.min(from)));
        self.compact_revision = revision;
        Ok(())
    }

    /// Removes versions that a compaction made unreadable, looking at no more than `budget` records; true when there
    /// is nothing left to do. Nothing observable depends on when it is called, but [`size`](Self::size).
    ///
    /// While a snapshot is taken nothing is removed, and nothing left to do: call again after it has ended.
    pub fn purge(&mut self, budget: usize) -> bool {
        let Some(from) = self.unpurged else { return true };
        if Arc::strong_count(&self.pin) > 1 {
            return true;
        }
        let compacted = self.compact_revision;
        let readable = self.history.from(from).take_while(|record| record.main() <= compacted);
        let batch: Vec<Record> = readable.take(budget.max(1)).cloned().collect();
        batch.iter().for_each(|record| self.purge_before(record));
        self.unpurged = match batch.last() {
            Some(last) if batch.len() >= budget => {
                let Revision { main, sub } = last.revision();
                Some(Revision { main, sub: sub + 1 })
            }
            _ => None,
        };
        self.unpurged.is_none()
    }

    /// Whether [`purge`](Self::purge) has something to do.
    pub fn needs_purge(&self) -> bool {
        self.unpurged.is_some()
    }

    /// Removes what this record replaced, and the record itself if a deletion is all it says.
    ///
    /// Everything at the compact revision itself stays: a watch may begin there.
    fn purge_before(&mut self, record: &Record) {
        let revision = record.revision();
        let compacted = Revision { main: self.compact_revision, sub: 0 };
        let slot = self.index.find(record.key());
        while let Some(replaced) = self.index.pop_before(&slot, revision.min(compacted)) {
            self.history.remove(replaced.revision());
        }
        if record.is_tombstone() && revision < compacted {
            let next = Revision { sub: revision.sub + 1, ..revision };
            if self.index.pop_before(&slot, next).is_none() {
                self.index.remove_tombstone(&slot, revision);
            }
            self.history.remove(revision);
        }
    }
}

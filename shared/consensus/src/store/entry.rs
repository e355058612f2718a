//! One key and all of its versions.

use std::collections::VecDeque;

use super::record::{Record, Revision};

/// A key's versions. Most keys have one: the others stand apart, so that those cost one word.
pub(super) struct Entry {
    latest: Record,
    older: Option<Box<Older>>,
}

/// Oldest first.
struct Older(VecDeque<Record>);

impl Entry {
    pub(super) fn new(record: Record) -> Self {
        Self { latest: record, older: None }
    }

    pub(super) fn key(&self) -> &[u8] {
        self.latest.key()
    }

    /// The newest version, be it a tombstone.
    pub(super) fn latest(&self) -> &Record {
        &self.latest
    }

    /// Whether the key exists now.
    pub(super) fn is_live(&self) -> bool {
        !self.latest.is_tombstone()
    }

    /// The version that was the newest at a revision, be it a tombstone.
    pub(super) fn at(&self, main: i64) -> Option<&Record> {
        if self.latest.main() <= main {
            return Some(&self.latest);
        }
        let older = &self.older.as_ref()?.0;
        // Watches and reads of the recent past ask for one of the last versions.
        if let Some(last) = older.back().filter(|last| last.main() <= main) {
            return Some(last);
        }
        older.get(older.partition_point(|version| version.main() <= main).checked_sub(1)?)
    }

    /// The version that a reader at a revision sees.
    pub(super) fn live_at(&self, main: i64) -> Option<&Record> {
        self.at(main).filter(|record| !record.is_tombstone())
    }

    /// Adds a newer version.
    pub(super) fn push(&mut self, record: Record) {
        let before = std::mem::replace(&mut self.latest, record);
        let older = self.older.get_or_insert_with(|| Box::new(Older(VecDeque::with_capacity(1))));
        older.0.push_back(before);
    }

    /// Takes out the oldest version, if it is older than `revision`.
    pub(super) fn pop_before(&mut self, revision: Revision) -> Option<Record> {
        let older = &mut self.older.as_mut()?.0;
        let record = older.pop_front_if(|oldest| oldest.revision() < revision)?;
        if older.is_empty() {
            self.older = None;
        } else if older.len() * 4 < older.capacity() {
            older.shrink_to(older.len() * 2);
        }
        Some(record)
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::Fields;
    use super::*;

    fn record(main: i64, tombstone: bool) -> Record {
        let revision = Revision { main, sub: 0 };
        let fields = Fields { revision, tombstone, key: b"k", value: b"", create_revision: 0, version: 0, lease: 0 };
        Record::new(&fields, &mut Vec::new())
    }

    #[test]
    fn is_seen_as_of_a_revision() {
        let mut entry = Entry::new(record(2, false));
        entry.push(record(4, true));
        entry.push(record(6, false));
        let seen = |main| entry.live_at(main).map(Record::main);
        assert_eq!([1, 2, 3, 4, 5, 6, 9].map(seen), [None, Some(2), Some(2), None, None, Some(6), Some(6)]);
        assert_eq!(entry.at(5).map(Record::main), Some(4));
    }

    #[test]
    fn gives_up_its_oldest_versions() {
        let mut entry = Entry::new(record(1, false));
        (2..=9).for_each(|main| entry.push(record(main, false)));
        let before = Revision { main: 5, sub: 0 };
        let taken: Vec<i64> = std::iter::from_fn(|| entry.pop_before(before)).map(|record| record.main()).collect();
        assert_eq!(taken, [1, 2, 3, 4]);
        assert_eq!(entry.at(4).map(Record::main), None);
        assert_eq!(entry.at(5).map(Record::main), Some(5));
        let newest = Revision { main: i64::MAX, sub: 0 };
        assert_eq!(std::iter::from_fn(|| entry.pop_before(newest)).count(), 4);
        assert!(entry.older.is_none());
    }
}

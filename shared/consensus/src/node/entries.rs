//! The tail of the log in memory, as raft reads it.

use std::{cell::Cell, collections::VecDeque};

use prost_eraft::Message as _;
use raft::{
    Error, GetEntriesContext, RaftState, Result, Storage, StorageError,
    eraftpb::{ConfState, Entry, HardState, Snapshot, SnapshotMetadata},
};

/// Entries after the last compaction, the hard state, and the newest snapshot's position.
///
/// Everything raft hands out to be written stands here at once, before the disk has it: raft asks for that
/// (`advance_append_async`), and keeps count of what is persisted by itself.
#[derive(Debug, Default)]
pub(super) struct Entries {
    pub(super) hard_state: HardState,
    /// Of the newest saved snapshot. A member that lags behind `compacted` gets it.
    pub(super) snapshot: SnapshotMetadata,
    /// The entry before the first one held.
    compacted: Position,
    entries: VecDeque<Entry>,
    /// Of the entries' data together.
    bytes: usize,
    /// Raft asked for a snapshot that isn't there yet.
    pub(super) wanted: Cell<bool>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Position {
    index: u64,
    term: u64,
}

impl Entries {
    /// The log after a snapshot, before entries are appended.
    pub(super) fn after(snapshot: SnapshotMetadata, hard_state: HardState) -> Self {
        let compacted = Position { index: snapshot.index, term: snapshot.term };
        Self { hard_state, snapshot, compacted, ..Self::default() }
    }

    /// Appends entries; what stood at the first one's index and after it goes.
    pub(super) fn append(&mut self, entries: &[Entry]) {
        let Some(first) = entries.first() else { return };
        assert!(first.index > self.compacted.index && first.index <= self.last() + 1, "raft appends without gaps");
        while self.last() >= first.index {
            self.bytes -= self.entries.pop_back().map_or(0, |entry| entry.data.len());
        }
        self.bytes += entries.iter().map(|entry| entry.data.len()).sum::<usize>();
        self.entries.extend(entries.iter().cloned());
    }

    /// Forgets everything: a snapshot took its place.
    pub(super) fn install(&mut self, snapshot: SnapshotMetadata) {
        *self = Self::after(snapshot, std::mem::take(&mut self.hard_state));
    }

    /// Drops entries up to `index`, which must not be beyond the newest snapshot.
    pub(super) fn compact(&mut self, index: u64) {
        self.shrink(index.min(self.snapshot.index), 0);
    }

    /// Drops entries up to `index`, the oldest first, until no more than `bytes` of data are left. A member that needs
    /// one of them gets a snapshot, which is taken for it if the newest ends before them.
    pub(super) fn shrink(&mut self, index: u64, bytes: usize) {
        let needless = |entry: &Entry, held: usize| entry.index <= index && (bytes == 0 || held > bytes);
        while let Some(gone) = self.entries.front().filter(|entry| needless(entry, self.bytes)) {
            self.bytes -= gone.data.len();
            self.compacted = Position { index: gone.index, term: gone.term };
            self.entries.pop_front();
        }
        if self.entries.len() * 4 < self.entries.capacity() {
            self.entries.shrink_to(self.entries.len() * 2);
        }
    }

    /// Bytes of data held.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn first(&self) -> u64 {
        self.compacted.index + 1
    }

    pub(super) fn last(&self) -> u64 {
        self.compacted.index + self.entries.len() as u64
    }

    /// The data of entries from `low` to `high`, without the latter.
    pub(super) fn between(&self, low: u64, high: u64) -> impl Iterator<Item = &Entry> {
        self.entries.range((low - self.first()) as usize..(high - self.first()) as usize)
    }
}

impl Storage for Entries {
    fn initial_state(&self) -> Result<RaftState> {
        let conf_state = self.snapshot.conf_state.clone().unwrap_or_default();
        Ok(RaftState::new(self.hard_state.clone(), conf_state))
    }

    fn entries(
        &self,
        low: u64,
        high: u64,
        max_size: impl Into<Option<u64>>,
        _context: GetEntriesContext,
    ) -> Result<Vec<Entry>> {
        if low < self.first() {
            return Err(Error::Store(StorageError::Compacted));
        }
        assert!(high <= self.last() + 1, "raft asks for entries up to {high}, the log ends at {}", self.last());
        let limit = max_size.into().unwrap_or(u64::MAX);
        let mut size = 0;
        let within = |entry: &&Entry| {
            let fits = size == 0 || size + entry.encoded_len() as u64 <= limit;
            size += entry.encoded_len() as u64;
            fits
        };
        Ok(self.between(low, high).take_while(within).cloned().collect())
    }

    fn term(&self, index: u64) -> Result<u64> {
        if index == self.compacted.index {
            return Ok(self.compacted.term);
        }
        if index == self.snapshot.index {
            return Ok(self.snapshot.term);
        }
        if index < self.compacted.index {
            return Err(Error::Store(StorageError::Compacted));
        }
        let entry = self.entries.get((index - self.first()) as usize);
        entry.map(|entry| entry.term).ok_or(Error::Store(StorageError::Unavailable))
    }

    fn first_index(&self) -> Result<u64> {
        Ok(self.first())
    }

    fn last_index(&self) -> Result<u64> {
        Ok(self.last())
    }

    fn snapshot(&self, request_index: u64, to: u64) -> Result<Snapshot> {
        // A member refuses a snapshot from before it was one.
        let conf_state = conf_state(&self.snapshot);
        let known = conf_state.voters.contains(&to) || conf_state.learners.contains(&to);
        // Nor is one of use after which the next entry is missing here.
        if self.snapshot.index < request_index.max(self.compacted.index) || !known {
            self.wanted.set(true);
            return Err(Error::Store(StorageError::SnapshotTemporarilyUnavailable));
        }
        Ok(Snapshot { metadata: Some(self.snapshot.clone()), data: Vec::new() })
    }
}

/// The configuration a snapshot stands for.
pub(super) fn conf_state(metadata: &SnapshotMetadata) -> ConfState {
    metadata.conf_state.clone().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Entries 1 to 9 of ten bytes each, and a snapshot of the first four.
    fn nine() -> Entries {
        let mut log = Entries::default();
        let entry = |index| Entry { index, term: 1, data: vec![0; 10], ..Entry::default() };
        log.append(&(1..=9).map(entry).collect::<Vec<_>>());
        let conf_state = Some(ConfState { voters: vec![1, 2], ..ConfState::default() });
        log.snapshot = SnapshotMetadata { conf_state, index: 4, term: 1 };
        log
    }

    #[test]
    fn forgets_the_oldest_until_few_enough_bytes_are_left() {
        let mut log = nine();
        log.shrink(9, 35);
        assert_eq!((log.first(), log.last(), log.bytes()), (7, 9, 30));
        assert_eq!(log.term(6), Ok(1));
        assert_eq!(log.term(5), Err(Error::Store(StorageError::Compacted)));
    }

    #[test]
    fn keeps_what_is_needed_however_much_it_is() {
        let mut log = nine();
        log.shrink(2, 35);
        assert_eq!((log.first(), log.bytes()), (3, 70));
        log.append(&[Entry { index: 5, term: 2, data: vec![0; 3], ..Entry::default() }]);
        assert_eq!((log.last(), log.bytes()), (5, 23));
    }

    #[test]
    fn a_snapshot_that_ends_before_the_first_entry_is_taken_anew() {
        let mut log = nine();
        assert!(log.snapshot(0, 2).is_ok());
        log.shrink(9, 35);
        assert_eq!(log.snapshot(0, 2), Err(Error::Store(StorageError::SnapshotTemporarilyUnavailable)));
        assert!(log.wanted.get());
    }
}

//! What a sequence of records comes to, without the entries' data. The writer and the reader keep the same ledger, so
//! that they cannot disagree.

use raft::eraftpb::HardState;

use super::SnapshotMark;
use super::error::OutOfOrder;

#[derive(Debug, Clone, Default)]
pub(super) struct Ledger {
    /// Entries after this index are in the log; it is where the log starts, or lower.
    pub(super) base: u64,
    /// The last index, of an entry or of a snapshot.
    pub(super) last: u64,
    /// Where each term starts, from the log's start on.
    terms: Vec<(u64, u64)>,
    pub(super) hard_state: HardState,
    /// The newest two snapshots, the newest last.
    pub(super) marks: Vec<SnapshotMark>,
}

impl Ledger {
    /// Of a log that starts after `base`.
    pub(super) fn after(base: u64) -> Self {
        Self { base, last: base, ..Self::default() }
    }

    pub(super) fn snapshot_index(&self) -> u64 {
        self.marks.last().map_or(0, |mark| mark.index)
    }

    /// The term of an entry, or of the snapshot that ends with it; `None` where that isn't known.
    fn term(&self, index: u64) -> Option<u64> {
        if let Some(mark) = self.marks.iter().find(|mark| mark.index == index) {
            return Some(mark.term);
        }
        if index <= self.base || index > self.last {
            return None;
        }
        self.terms.iter().rev().find(|(first, _)| *first <= index).map(|(_, term)| *term)
    }

    /// Whether entries may be appended: without a gap, after the snapshot, terms not falling.
    pub(super) fn check(&self, entries: impl Iterator<Item = (u64, u64)>) -> Result<u64, OutOfOrder> {
        let mut before: Option<(u64, u64)> = None;
        for (index, term) in entries {
            let last = before.map_or(self.last, |(index, _)| index);
            // The first may replace what the log has; the others follow each other.
            if index > last + 1 || before.is_some() && index != last + 1 {
                return Err(OutOfOrder::Gap { index, last });
            }
            let snapshot = self.snapshot_index();
            if index <= snapshot {
                return Err(OutOfOrder::BehindSnapshot { index, snapshot });
            }
            let term_before = before.map(|(_, term)| term).or_else(|| self.term(index - 1));
            if let Some(before) = term_before.filter(|before| *before > term) {
                return Err(OutOfOrder::Term { index, term, before });
            }
            before = Some((index, term));
        }
        Ok(before.map_or(self.last, |(index, _)| index))
    }

    /// An entry, which replaces all from its index on.
    pub(super) fn entry(&mut self, index: u64, term: u64) {
        self.base = self.base.min(index - 1);
        self.last = index;
        let keep = self.terms.partition_point(|(first, _)| *first < index);
        self.terms.truncate(keep);
        if self.terms.last().is_none_or(|(_, last)| *last != term) {
            self.terms.push((index, term));
        }
    }

    pub(super) fn check_mark(&self, mark: &SnapshotMark) -> Result<(), OutOfOrder> {
        let before = self.snapshot_index();
        if mark.index < before { Err(OutOfOrder::Snapshot { index: mark.index, before }) } else { Ok(()) }
    }

    /// Whether a snapshot replaces the log, because its last entry is not one that the log has.
    pub(super) fn is_replaced_by(&self, mark: &SnapshotMark) -> bool {
        mark.index > self.last || self.term(mark.index).is_some_and(|term| term != mark.term)
    }

    /// A snapshot, which `replaces` the log or is of a part of it.
    pub(super) fn mark(&mut self, mark: SnapshotMark, replaces: bool) {
        if replaces {
            (self.base, self.last) = (mark.index, mark.index);
            self.terms.clear();
        }
        // A lower one than the newest comes after the newest was given up, or where a new segment repeats both.
        self.marks.retain(|earlier| earlier.index < mark.index);
        self.marks.push(mark);
        if self.marks.len() > 2 {
            self.marks.remove(0);
        }
    }

    /// Forgets the terms of entries that are no longer needed.
    pub(super) fn release(&mut self, up_to: u64) {
        let needed = self.terms.partition_point(|(first, _)| *first <= up_to).saturating_sub(1);
        self.terms.drain(..needed);
    }
}

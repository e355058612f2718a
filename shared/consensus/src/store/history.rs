//! All records in the order of their revisions.

use std::collections::VecDeque;

use super::record::{Record, Revision};

/// Records a segment: what an insertion of a segment, or a removal from one, has to move at most.
const SEGMENT: usize = 256;

/// An append-only list in segments, from which purging takes records out anywhere.
///
/// A single deque would be copied whole when it grows, and a removal from its middle would move half of it.
#[derive(Default)]
pub(super) struct History {
    /// None is empty.
    segments: VecDeque<Segment>,
    records: u64,
    bytes: u64,
}

struct Segment {
    /// At most the first record's revision, and above the last one of the segment before.
    first: Revision,
    records: Vec<Placed>,
}

/// A record, and its main revision where a search finds it without looking into the record.
struct Placed {
    main: i64,
    record: Record,
}

impl Segment {
    /// How many records come before a revision.
    fn before(&self, revision: Revision) -> usize {
        let before = self.records.partition_point(|placed| placed.main < revision.main);
        let same = self.records[before..].iter().take_while(|placed| placed.main == revision.main);
        before + same.take_while(|placed| placed.record.revision() < revision).count()
    }
}

impl History {
    /// Appends a record that is newer than all others.
    pub(super) fn push(&mut self, record: Record) {
        self.records += 1;
        self.bytes += record.len() as u64;
        let first = record.revision();
        let placed = Placed { main: first.main, record };
        match self.segments.back_mut() {
            Some(last) if last.records.len() < SEGMENT => last.records.push(placed),
            _ => {
                let mut records = Vec::with_capacity(SEGMENT);
                records.push(placed);
                self.segments.push_back(Segment { first, records });
            }
        }
    }

    /// Takes one record out, if it is there.
    pub(super) fn remove(&mut self, revision: Revision) {
        let Some(place) = self.segments.partition_point(|segment| segment.first <= revision).checked_sub(1) else {
            return;
        };
        let segment = &mut self.segments[place];
        let index = segment.before(revision);
        if segment.records.get(index).is_none_or(|placed| placed.record.revision() != revision) {
            return;
        }
        self.records -= 1;
        self.bytes -= segment.records.remove(index).record.len() as u64;
        self.tidy(place);
    }

    /// Drops a segment that became empty, and joins thin neighbours.
    fn tidy(&mut self, place: usize) {
        let length = self.segments[place].records.len();
        if length == 0 {
            self.segments.remove(place);
        } else if place + 1 == self.segments.len() {
            // The last one keeps its room: it is the one that grows.
        } else if length + self.segments[place + 1].records.len() <= SEGMENT / 2 {
            self.join(place);
        } else if place > 0 && length + self.segments[place - 1].records.len() <= SEGMENT / 2 {
            self.join(place - 1);
        } else if length.is_multiple_of(SEGMENT / 4) {
            self.segments[place].records.shrink_to_fit();
        }
    }

    /// Joins a segment with the next one.
    fn join(&mut self, place: usize) {
        if let Some(next) = self.segments.remove(place + 1) {
            self.segments[place].records.extend(next.records);
        }
    }

    /// The records of a revision and of all later ones.
    pub(super) fn from(&self, revision: Revision) -> impl Iterator<Item = &Record> + Clone {
        let place = self.segments.partition_point(|segment| segment.first <= revision).saturating_sub(1);
        let skipped = self.segments.get(place).map_or(0, |segment| segment.before(revision));
        self.segments
            .range(place.min(self.segments.len())..)
            .flat_map(|segment| &segment.records)
            .skip(skipped)
            .map(|placed| &placed.record)
    }

    /// How many records there are.
    pub(super) fn len(&self) -> u64 {
        self.records
    }

    /// Bytes of all records together.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::Fields;
    use super::*;

    fn record(main: i64) -> Record {
        let revision = Revision { main, sub: main % 3 };
        let fields =
            Fields { revision, tombstone: false, key: b"k", value: b"v", create_revision: 1, version: 1, lease: 0 };
        Record::new(&fields, &mut Vec::new())
    }

    fn mains(history: &History, from: i64) -> Vec<i64> {
        history.from(Revision { main: from, sub: 0 }).map(Record::main).collect()
    }

    #[test]
    fn keeps_the_order_whatever_is_taken_out() {
        let mut history = History::default();
        let mut expected: Vec<i64> = (1..=3_000).collect();
        expected.iter().for_each(|&main| history.push(record(main)));
        for step in [7, 5, 3, 2] {
            for main in (1..=3_000).filter(|main| main % step == 0) {
                history.remove(record(main).revision());
            }
            expected.retain(|main| main % step != 0);
            assert_eq!(mains(&history, 0), expected);
            for from in [0, 1, 255, 256, 257, 1_500, 2_999, 3_001] {
                let later: Vec<i64> = expected.iter().copied().filter(|&main| main >= from).collect();
                assert_eq!(mains(&history, from), later);
            }
            assert_eq!(history.len(), expected.len() as u64);
        }
        assert!(history.segments.len() <= 8, "{} segments", history.segments.len());
    }

    #[test]
    fn is_empty_after_all_was_taken_out() {
        let mut history = History::default();
        (1..=600).for_each(|main| history.push(record(main)));
        (1..=600).rev().for_each(|main| history.remove(record(main).revision()));
        assert_eq!((history.len(), history.bytes(), history.segments.len()), (0, 0, 0));
        assert!(mains(&history, 0).is_empty());
        history.push(record(601));
        assert_eq!(mains(&history, 0), [601]);
    }
}

//! Keys in order, each with its versions.

use super::chunk::{CHUNK, Chunk};
use super::entry::Entry;
use super::record::{Record, Revision};
use super::span::Span;

/// A sorted list in chunks which count their live keys, so that counting a range looks at chunks rather than keys.
///
/// Three things speak for it against a tree: etcd's clients want the total of every range, also of a page of one;
/// an entry takes 32 bytes and no node; and neighbours lie side by side when a range is read.
pub(super) struct Index {
    /// There is always one; others are never empty.
    chunks: Vec<Chunk>,
    /// `fences[i]` is above all keys of chunk `i`, and at most the first key of chunk `i + 1`.
    fences: Vec<Box<[u8]>>,
}

/// Where an entry stands, or would stand.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    chunk: usize,
    entry: usize,
}

/// Where a key was looked for: valid until the index changes.
pub(super) struct Slot {
    place: Place,
    found: bool,
}

impl Default for Index {
    fn default() -> Self {
        Self { chunks: vec![Chunk::default()], fences: Vec::new() }
    }
}

impl Index {
    /// Looks for a key.
    pub(super) fn find(&self, key: &[u8]) -> Slot {
        let chunk = self.fences.partition_point(|fence| &**fence <= key);
        let (entry, found) = match self.chunks[chunk].find(key) {
            Ok(entry) => (entry, true),
            Err(entry) => (entry, false),
        };
        Slot { place: Place { chunk, entry }, found }
    }

    /// What stands where a key was found.
    pub(super) fn entry(&self, slot: &Slot) -> Option<&Entry> {
        self.chunks[slot.place.chunk].entries().get(slot.place.entry).filter(|_| slot.found)
    }

    /// The entry of a key.
    pub(super) fn get(&self, key: &[u8]) -> Option<&Entry> {
        self.entry(&self.find(key))
    }

    /// Adds a version of the key that was looked for.
    pub(super) fn push(&mut self, slot: &Slot, record: Record) {
        let Place { chunk, entry } = slot.place;
        if slot.found {
            self.chunks[chunk].push(entry, record);
            return;
        }
        self.chunks[chunk].insert(entry, record);
        if self.chunks[chunk].len() > CHUNK {
            self.split(slot.place);
        }
    }

    /// Makes two chunks of one that became too large by an insertion.
    fn split(&mut self, inserted: Place) {
        let chunk = &mut self.chunks[inserted.chunk];
        // Keys that arrive in order fill their chunks: only the new one moves on.
        let at_the_end = inserted.entry + 1 == chunk.len();
        let upper = chunk.split_off(if at_the_end { inserted.entry } else { chunk.len() / 2 });
        self.fences.insert(inserted.chunk, upper.entries()[0].key().into());
        self.chunks.insert(inserted.chunk + 1, upper);
    }

    /// Takes out the oldest version of the key that was looked for, if it is older than `revision`.
    pub(super) fn pop_before(&mut self, slot: &Slot, revision: Revision) -> Option<Record> {
        slot.found.then(|| self.chunks[slot.place.chunk].pop_before(slot.place.entry, revision)).flatten()
    }

    /// Takes the key that was looked for out, if this tombstone is all that is left of it.
    pub(super) fn remove_tombstone(&mut self, slot: &Slot, tombstone: Revision) {
        if self.entry(slot).is_some_and(|entry| entry.latest().revision() == tombstone) {
            self.chunks[slot.place.chunk].remove(slot.place.entry);
            self.tidy(slot.place.chunk);
        }
    }

    /// Drops a chunk that became empty, and joins thin neighbours.
    fn tidy(&mut self, chunk: usize) {
        let length = self.chunks[chunk].len();
        let thin = |other: Option<&Chunk>| other.is_some_and(|other| length + other.len() <= CHUNK / 2);
        if length == 0 && self.chunks.len() > 1 {
            self.chunks.remove(chunk);
            self.fences.remove(chunk.min(self.fences.len() - 1));
        } else if thin(self.chunks.get(chunk + 1)) {
            self.join(chunk);
        } else if chunk > 0 && thin(self.chunks.get(chunk - 1)) {
            self.join(chunk - 1);
        }
    }

    /// Joins a chunk with the next one.
    fn join(&mut self, chunk: usize) {
        let next = self.chunks.remove(chunk + 1);
        self.fences.remove(chunk);
        self.chunks[chunk].append(next);
    }

    /// The entries of a span, in the order of their keys.
    pub(super) fn entries(&self, span: Span<'_>) -> impl DoubleEndedIterator<Item = &Entry> {
        let (from, to) = self.bounds(span);
        (from.chunk..=to.chunk).flat_map(move |chunk| self.part(chunk, from, to))
    }

    /// How many keys of a span exist at the current revision.
    pub(super) fn count(&self, span: Span<'_>) -> usize {
        let (from, to) = self.bounds(span);
        let part = |chunk| self.part(chunk, from, to).iter().filter(|entry| entry.is_live()).count();
        if from.chunk == to.chunk {
            return part(from.chunk);
        }
        let whole: usize = self.chunks[from.chunk + 1..to.chunk].iter().map(Chunk::live).sum();
        part(from.chunk) + whole + part(to.chunk)
    }

    /// Where a span begins, and where it has ended.
    fn bounds(&self, span: Span<'_>) -> (Place, Place) {
        match span {
            Span::One(key) => {
                let Slot { place, found } = self.find(key);
                (place, Place { entry: place.entry + usize::from(found), ..place })
            }
            Span::From(first) => {
                let chunk = self.chunks.len() - 1;
                (self.find(first).place, Place { chunk, entry: self.chunks[chunk].len() })
            }
            Span::Between(first, end) => {
                let from = self.find(first).place;
                (from, self.find(end).place.max(from))
            }
        }
    }

    /// The entries of one chunk that lie between two places.
    fn part(&self, chunk: usize, from: Place, to: Place) -> &[Entry] {
        let entries = self.chunks[chunk].entries();
        let first = if chunk == from.chunk { from.entry } else { 0 };
        let end = if chunk == to.chunk { to.entry } else { entries.len() };
        &entries[first..end]
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::Fields;
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn record(key: &[u8], main: i64, tombstone: bool) -> Record {
        let revision = Revision { main, sub: 0 };
        let fields = Fields { revision, tombstone, key, value: b"", create_revision: 0, version: 0, lease: 0 };
        Record::new(&fields, &mut Vec::new())
    }

    /// Some share much, some little, some differ by zeros only.
    fn key(number: u32) -> Vec<u8> {
        match number % 4 {
            0 => number.to_be_bytes().to_vec(),
            1 => format!("/a/long/directory/{}", number / 64).repeat(1 + number as usize % 2).into_bytes(),
            2 => format!("/a/long/directory/with/{number:09}/and/a/tail").into_bytes(),
            _ => [b"/a".to_vec(), vec![0; number as usize / 4 % 12], number.to_string().into_bytes()].concat(),
        }
    }

    /// Puts (0), deletes (1) or purges (2) a key.
    fn change(index: &mut Index, model: &mut BTreeMap<Vec<u8>, bool>, kind: u8, number: u32, main: i64) {
        let key = key(number);
        if kind < 2 {
            let slot = index.find(&key);
            index.push(&slot, record(&key, main, kind == 1));
            model.insert(key, kind == 0);
        } else if model.get(&key) == Some(&false) {
            let slot = index.find(&key);
            let latest = index.entry(&slot).map(|entry| entry.latest().revision());
            while index.pop_before(&slot, Revision { main: i64::MAX, sub: 0 }).is_some() {}
            latest.into_iter().for_each(|tombstone| index.remove_tombstone(&slot, tombstone));
            model.remove(&key);
        }
    }

    fn check(index: &Index, model: &BTreeMap<Vec<u8>, bool>, span: Span<'_>) {
        let expected: Vec<_> = model.iter().filter(|(key, _)| span.contains(&key[..])).collect();
        let keys: Vec<&[u8]> = expected.iter().map(|(key, _)| &key[..]).collect();
        assert_eq!(index.entries(span).map(Entry::key).collect::<Vec<_>>(), keys);
        assert!(index.entries(span).rev().map(Entry::key).eq(keys.into_iter().rev()));
        assert_eq!(index.count(span), expected.iter().filter(|(_, live)| **live).count());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn lists_and_counts_as_a_map_does(
            changes in prop::collection::vec((0..3_u8, 0..1_500_u32), 0..4_000),
            spans in prop::collection::vec((0..1_600_u32, 0..1_600_u32), 1..8),
        ) {
            let (mut index, mut model) = (Index::default(), BTreeMap::new());
            for (main, (kind, number)) in (1..).zip(changes) {
                change(&mut index, &mut model, kind, number, main);
            }
            for (first, end) in spans {
                check(&index, &model, Span::Between(&key(first), &key(end)));
                check(&index, &model, Span::From(&key(first)));
                check(&index, &model, Span::One(&key(first)));
            }
        }
    }

    #[test]
    fn keys_in_order_fill_their_chunks() {
        let mut index = Index::default();
        for key in (0..5_000).map(|number| format!("key-{number:06}")) {
            let slot = index.find(key.as_bytes());
            index.push(&slot, record(key.as_bytes(), 2, false));
        }
        assert_eq!(index.chunks.len(), 5_000_usize.div_ceil(CHUNK));
        assert_eq!(index.count(Span::Between(b"key-000100", b"key-0046")), 4_500);
    }

    #[test]
    fn chunks_disappear_with_their_keys() {
        let (mut index, mut model) = (Index::default(), BTreeMap::new());
        (0..5_000).for_each(|number| change(&mut index, &mut model, 0, number, 1));
        for number in (0..5_000).rev() {
            change(&mut index, &mut model, 1, number, 2);
            change(&mut index, &mut model, 2, number, 3);
        }
        check(&index, &model, Span::From(b""));
        assert_eq!((index.chunks.len(), index.fences.len()), (1, 0));
        change(&mut index, &mut model, 0, 7, 4);
        check(&index, &model, Span::From(b""));
    }
}

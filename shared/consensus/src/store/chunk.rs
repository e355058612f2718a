//! A stretch of the index: neighbouring keys in order.

use super::entry::Entry;
use super::record::{Record, Revision};

/// Most keys of a chunk: what an insertion has to move at most.
pub(super) const CHUNK: usize = 256;

/// Entries in the order of their keys.
///
/// Neighbours mostly begin alike, and each key lies somewhere else in memory. So a search first asks for what all keys
/// share, then looks for the eight bytes after it in a list that lies in one place, and only where those are equal
/// at the keys themselves.
#[derive(Default)]
pub(super) struct Chunk {
    entries: Vec<Entry>,
    /// What all keys begin with.
    shared: Box<[u8]>,
    /// The eight bytes after it, of each key. They order as the keys do, as far as they differ.
    hints: Vec<u64>,
    /// How many of the keys exist at the current revision.
    live: usize,
}

impl Chunk {
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn live(&self) -> usize {
        self.live
    }

    /// Where a key stands, or where it would.
    pub(super) fn find(&self, key: &[u8]) -> Result<usize, usize> {
        let shared = self.shared.len();
        // A key that is there begins as all do. That is only looked at when it isn't: one place in memory fewer.
        let found = key.get(shared..).ok_or(0).and_then(|rest| self.find_rest(rest, key));
        match found {
            Err(_) if !key.starts_with(&self.shared) => {
                // All keys of the chunk are on the same side of it.
                Err(if *key < *self.shared { 0 } else { self.entries.len() })
            }
            found => found,
        }
    }

    /// Looks for a key that ends in `rest`, and begins as all do.
    fn find_rest(&self, rest: &[u8], key: &[u8]) -> Result<usize, usize> {
        let hint = hint(rest);
        let first = self.hints.partition_point(|&other| other < hint);
        let equal = self.hints[first..].iter().take_while(|&&other| other == hint).count();
        match self.entries[first..first + equal].binary_search_by(|entry| entry.key().cmp(key)) {
            Ok(place) => Ok(first + place),
            Err(place) => Err(first + place),
        }
    }

    /// Adds a version to an entry.
    pub(super) fn push(&mut self, place: usize, record: Record) {
        let entry = &mut self.entries[place];
        self.live -= usize::from(entry.is_live());
        entry.push(record);
        self.live += usize::from(entry.is_live());
    }

    /// Puts a new key where it belongs.
    pub(super) fn insert(&mut self, place: usize, record: Record) {
        if self.entries.is_empty() {
            self.shared = record.key().into();
            self.hints.clear();
        } else if !record.key().starts_with(&self.shared) {
            self.share(common(&self.shared, record.key()));
        }
        self.live += usize::from(!record.is_tombstone());
        self.hints.insert(place, hint(&record.key()[self.shared.len()..]));
        self.entries.insert(place, Entry::new(record));
    }

    /// Takes out the oldest version of an entry, if it is older than `revision`.
    pub(super) fn pop_before(&mut self, place: usize, revision: Revision) -> Option<Record> {
        self.entries[place].pop_before(revision)
    }

    /// Takes a key out.
    pub(super) fn remove(&mut self, place: usize) {
        self.live -= usize::from(self.entries.remove(place).is_live());
        self.hints.remove(place);
    }

    /// Moves the entries from a place on into a new chunk.
    pub(super) fn split_off(&mut self, place: usize) -> Self {
        let mut entries = Vec::with_capacity(CHUNK + 1);
        entries.extend(self.entries.drain(place..));
        let live = entries.iter().filter(|entry| entry.is_live()).count();
        self.live -= live;
        self.share_most();
        let mut upper = Self { entries, live, ..Self::default() };
        upper.share_most();
        upper
    }

    /// Takes over the entries of the next chunk.
    pub(super) fn append(&mut self, next: Self) {
        self.entries.extend(next.entries);
        self.live += next.live;
        self.share_most();
    }

    /// Shares what the first and the last key, and thereby all of them, begin with.
    fn share_most(&mut self) {
        if let [first, .., last] = &self.entries[..] {
            self.share(common(first.key(), last.key()));
        } else if let [only] = &self.entries[..] {
            self.share(only.key().len());
        }
    }

    /// Shares the first `length` bytes of the first key.
    fn share(&mut self, length: usize) {
        let Some(first) = self.entries.first() else { return };
        self.shared = first.key()[..length].into();
        self.hints.clear();
        self.hints.reserve(CHUNK + 1);
        self.hints.extend(self.entries.iter().map(|entry| hint(&entry.key()[length..])));
    }
}

/// The first eight bytes as a number that orders as they do; zeros stand for what is missing.
fn hint(bytes: &[u8]) -> u64 {
    match bytes.first_chunk() {
        Some(chunk) => u64::from_be_bytes(*chunk),
        None => {
            let mut chunk = [0; 8];
            chunk[..bytes.len()].copy_from_slice(bytes);
            u64::from_be_bytes(chunk)
        }
    }
}

/// How many bytes two keys begin with in common.
fn common(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

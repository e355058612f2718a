//! Fingerprints of the state, to compare members by.

use prost::Message;

use super::Store;
use super::error::Error;
use super::record::{Fields, Record, Revision};
use super::span::Span;
use crate::api::mvccpb::KeyValue;

/// The name of the table of keys in etcd's database, with which its hash begins.
const TABLE: &[u8] = b"key";

/// A fingerprint of the keys up to a revision.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HashKv {
    /// The CRC-32C.
    pub hash: u32,
    /// What had been compacted: hashes compare only where it is the same.
    pub compact_revision: i64,
    /// Up to which revision.
    pub hash_revision: i64,
}

impl Store {
    /// The fingerprint of all changes up to a revision, or to the current one for 0. Takes time in proportion to the
    /// number of records.
    ///
    /// It equals that of an etcd with the same history and the same last compaction. (One exception: exactly at a
    /// revision that it compacted, etcd may answer with a value it kept from before that compaction.)
    ///
    /// # Errors
    /// [`Error::Compacted`] and [`Error::FutureRevision`] for a revision that can't be read.
    pub fn hash_kv(&self, revision: i64) -> Result<HashKv, Error> {
        if revision > self.revision {
            return Err(Error::FutureRevision);
        }
        let hash_revision = if revision <= 0 { self.revision } else { revision };
        if hash_revision < self.compact_revision {
            return Err(Error::Compacted);
        }
        let mut hash = crc32c::crc32c(TABLE);
        let mut row = Vec::new();
        let readable = self.history.from(start_of(self.compact_revision + 1));
        let readable = readable.take_while(|record| record.main() <= hash_revision);
        for record in self.compacted_in_hash(hash_revision).into_iter().chain(readable) {
            row.clear();
            write_row(&record.fields(), record, &mut row);
            hash = crc32c::crc32c_append(hash, &row);
        }
        Ok(HashKv { hash, compact_revision: self.compact_revision, hash_revision })
    }

    /// The fingerprint of the whole replicated state, for comparing replicas that have applied the same entries.
    pub fn hash(&self) -> u32 {
        let mut hash = crc32c::crc32c(&self.head().encode_to_vec());
        // Here all that can still be read counts, and at the compact revision all that a watch may begin with.
        let kept = self.living(self.compact_revision, self.compact_revision);
        for record in kept.into_iter().chain(self.history.from(start_of(self.compact_revision))) {
            hash = crc32c::crc32c_append(hash, &(record.len() as u64).to_le_bytes());
            hash = crc32c::crc32c_append(hash, record.as_ref());
        }
        hash
    }

    /// Which records at or below the compact revision etcd hashes: versions that exist at the hashed revision. If
    /// none does, there is nothing it could tell garbage by, and it takes what the compaction left.
    fn compacted_in_hash(&self, hash_revision: i64) -> Vec<&Record> {
        let nothing_lives = !self.index.entries(Span::From(b"")).any(|entry| entry.live_at(hash_revision).is_some());
        let at = if nothing_lives { self.compact_revision } else { hash_revision };
        self.living(at, self.compact_revision + 1)
    }

    /// The versions that exist at a revision and were put before another one, in the order in which they were put.
    fn living(&self, at: i64, before: i64) -> Vec<&Record> {
        let versions = self.index.entries(Span::From(b"")).filter_map(|entry| entry.live_at(at));
        let mut living: Vec<_> = versions.filter(|record| record.main() < before).collect();
        living.sort_unstable_by_key(|record| record.revision());
        living
    }
}

/// The first place at a revision.
fn start_of(main: i64) -> Revision {
    Revision { main, sub: 0 }
}

/// A record as etcd's database has it: the revision as the row's key, then the marshalled key and value.
fn write_row(fields: &Fields<'_>, record: &Record, row: &mut Vec<u8>) {
    let Revision { main, sub } = fields.revision;
    row.extend_from_slice(&main.to_be_bytes());
    row.push(b'_');
    row.extend_from_slice(&sub.to_be_bytes());
    let shown = record.key_value();
    let shown = if fields.tombstone {
        row.push(b't');
        KeyValue { key: shown.key, ..KeyValue::default() }
    } else {
        shown
    };
    // A vector has room for everything.
    let written = shown.encode(row);
    debug_assert!(written.is_ok());
}

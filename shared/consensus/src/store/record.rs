//! One change of one key: a header, the key and the value in a single allocation.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::api::mvccpb;

/// Where a change stands in history: its transaction, and its place in it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Revision {
    /// The store's revision that the transaction made.
    pub main: i64,
    /// Counts the changes within the transaction, from zero.
    pub sub: i64,
}

/// What a record says. For a tombstone all but the key and the revision is empty.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Fields<'a> {
    pub(super) revision: Revision,
    pub(super) tombstone: bool,
    pub(super) key: &'a [u8],
    pub(super) value: &'a [u8],
    pub(super) create_revision: i64,
    pub(super) version: i64,
    pub(super) lease: i64,
}

/// A put or a deletion of a key. Cloning shares it.
///
/// The layout, chosen so that the key is found without decoding and that the rest takes four bytes where numbers are
/// small: main revision (8 bytes), length of the key (4), key, then as variable-length integers sub revision with
/// the tombstone's mark, distance to the create revision, version and lease, then the value up to the end.
#[derive(Clone)]
pub struct Record(Arc<[u8]>);

/// Where the key begins.
const KEY: usize = 12;

impl Record {
    /// Copies the fields together. `scratch` only saves an allocation.
    pub(super) fn new(fields: &Fields<'_>, scratch: &mut Vec<u8>) -> Self {
        scratch.clear();
        scratch.extend_from_slice(&fields.revision.main.to_le_bytes());
        // Requests are bounded far below 4 GiB.
        scratch.extend_from_slice(&(fields.key.len() as u32).to_le_bytes());
        scratch.extend_from_slice(fields.key);
        put_varint(scratch, (fields.revision.sub as u64) << 1 | u64::from(fields.tombstone));
        put_varint(scratch, fields.revision.main.wrapping_sub(fields.create_revision) as u64);
        put_varint(scratch, fields.version as u64);
        put_varint(scratch, fields.lease as u64);
        scratch.extend_from_slice(fields.value);
        Self(Arc::from(scratch.as_slice()))
    }

    pub(super) fn fields(&self) -> Fields<'_> {
        let main = self.main();
        let (key, mut rest) = self.0[KEY..].split_at(self.key_length());
        let marked = take_varint(&mut rest);
        let distance = take_varint(&mut rest);
        let version = take_varint(&mut rest) as i64;
        let lease = take_varint(&mut rest) as i64;
        Fields {
            revision: Revision { main, sub: (marked >> 1) as i64 },
            tombstone: marked & 1 == 1,
            key,
            value: rest,
            create_revision: main.wrapping_sub(distance as i64),
            version,
            lease,
        }
    }

    /// The revision of the transaction it is part of.
    pub fn main(&self) -> i64 {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&self.0[..8]);
        i64::from_le_bytes(bytes)
    }

    /// Its place in history.
    pub fn revision(&self) -> Revision {
        let mut rest = &self.0[KEY + self.key_length()..];
        Revision { main: self.main(), sub: (take_varint(&mut rest) >> 1) as i64 }
    }

    /// The key that changed.
    pub fn key(&self) -> &[u8] {
        &self.0[KEY..KEY + self.key_length()]
    }

    /// Whether the key was deleted.
    pub fn is_tombstone(&self) -> bool {
        // The lowest bit of a variable-length integer stands in its first byte.
        self.0[KEY + self.key_length()] & 1 == 1
    }

    /// As etcd's clients see it; of a tombstone the key and its revision. Key and value share the record's memory.
    pub fn key_value(&self) -> mvccpb::KeyValue {
        let fields = self.fields();
        let all = Bytes::from_owner(self.clone());
        mvccpb::KeyValue {
            key: all.slice(KEY..KEY + fields.key.len()),
            create_revision: fields.create_revision,
            mod_revision: fields.revision.main,
            version: fields.version,
            value: all.slice(all.len() - fields.value.len()..),
            lease: fields.lease,
        }
    }

    /// Bytes of memory it takes.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    fn key_length(&self) -> usize {
        let mut bytes = [0; 4];
        bytes.copy_from_slice(&self.0[8..KEY]);
        u32::from_le_bytes(bytes) as usize
    }
}

impl AsRef<[u8]> for Record {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fields().fmt(f)
    }
}

fn put_varint(buffer: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        buffer.push(number as u8 | 0x80);
        number >>= 7;
    }
    buffer.push(number as u8);
}

fn take_varint(bytes: &mut &[u8]) -> u64 {
    let mut number = 0;
    let mut shift = 0;
    while let Some((&byte, rest)) = bytes.split_first() {
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
        shift += 7;
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn says_what_was_put_in(
            main in 1..i64::MAX, sub in 0..1_i64 << 40, tombstone: bool, key: Vec<u8>, value: Vec<u8>,
            create_revision in 0..i64::MAX, version in 0..i64::MAX, lease: i64,
        ) {
            let fields = Fields {
                revision: Revision { main, sub }, tombstone, key: &key, value: &value, create_revision, version, lease,
            };
            let record = Record::new(&fields, &mut vec![1, 2, 3]);
            prop_assert_eq!(record.fields(), fields);
            prop_assert_eq!(record.revision(), fields.revision);
            prop_assert_eq!(record.key(), &key[..]);
            prop_assert_eq!(record.is_tombstone(), tombstone);
            let shown = record.key_value();
            prop_assert_eq!((&shown.key[..], &shown.value[..]), (&key[..], &value[..]));
        }
    }
}

//! A store from a snapshot.

use bytes::Bytes;
use prost::Message;

use super::lease::Leases;
use super::members::Members;
use super::origins::Origins;
use super::record::{Fields, Record, Revision};
use super::snapshot::{CHECKSUM_LENGTH, CHECKSUM_TAG};
use super::span::Span;
use super::{Limits, Store, alarms::Alarms};
use crate::api::logpb::{self, SnapshotHead, SnapshotRecords};

/// Why a snapshot isn't one.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RestoreError {
    /// A chunk was cut or changed on its way.
    #[error("chunk {chunk} of the snapshot is damaged: its checksum doesn't fit")]
    Checksum {
        /// Counted from 0.
        chunk: u64,
    },
    /// A chunk is whole, but not what it has to be.
    #[error("chunk {chunk} of the snapshot can't be read: {error}")]
    Undecodable {
        /// Counted from 0.
        chunk: u64,
        /// What the decoder says.
        error: prost::DecodeError,
    },
    /// A chunk was left out, came twice, or was made by a program with a fault.
    #[error("the snapshot's record at revision {main}.{sub} {fault}")]
    Record {
        /// Of the record.
        main: i64,
        /// Of the record.
        sub: i64,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// It ended before its time.
    #[error("the snapshot ended after {found} of {expected} records")]
    Incomplete {
        /// How many came.
        found: u64,
        /// How many its head announced.
        expected: u64,
    },
    /// There was no chunk at all.
    #[error("the snapshot is empty")]
    Empty,
}

/// Builds a store from a snapshot's chunks, in their order.
pub struct Restore {
    store: Store,
    head: Option<SnapshotHead>,
    chunks: u64,
    last: Revision,
}

impl Restore {
    /// Begins with an empty store.
    pub fn new(limits: Limits) -> Self {
        Self { store: Store::new(limits), head: None, chunks: 0, last: Revision { main: 0, sub: 0 } }
    }

    /// Begins with a head of one's own, as where another cluster goes on from these records: the first chunk, which it
    /// stands for, is not to be pushed.
    pub fn with_head(limits: Limits, head: SnapshotHead) -> Self {
        let mut restore = Self::new(limits);
        restore.begin(&head);
        restore.head = Some(head);
        restore.chunks = 1;
        restore
    }

    /// What the first chunk said, once it has come.
    pub fn head(&self) -> Option<&SnapshotHead> {
        self.head.as_ref()
    }

    /// Takes the next chunk in.
    ///
    /// # Errors
    /// Says what is wrong with it; the snapshot is then of no use.
    pub fn push(&mut self, mut chunk: Bytes) -> Result<(), RestoreError> {
        let number = self.chunks;
        self.chunks += 1;
        open(&mut chunk).ok_or(RestoreError::Checksum { chunk: number })?;
        let undecodable = |error| RestoreError::Undecodable { chunk: number, error };
        let Some(head) = &self.head else {
            let head = SnapshotHead::decode(chunk).map_err(undecodable)?;
            self.begin(&head);
            self.head = Some(head);
            return Ok(());
        };
        let revision = head.revision;
        for record in SnapshotRecords::decode(chunk).map_err(undecodable)?.records {
            self.add(&record, revision)?;
        }
        Ok(())
    }

    fn begin(&mut self, head: &SnapshotHead) {
        let store = &mut self.store;
        store.revision = head.revision;
        store.compact_revision = head.compact_revision;
        store.leases = Leases::restore(&head.leases);
        store.alarms = Alarms::restore(&head.alarms);
        store.members = Members::restore(&head.members, &head.removed_members);
        store.origins = Origins::restore(&head.origins);
        // The snapshot may hold versions that its maker had not purged yet.
        store.unpurged = Some(self.last);
        store.restored_at = head.compact_revision;
    }

    fn add(&mut self, record: &logpb::Record, newest: i64) -> Result<(), RestoreError> {
        let revision = Revision { main: record.main, sub: record.sub };
        let fault = match record {
            _ if revision <= self.last => Some("comes out of order"),
            _ if record.main > newest => Some("is newer than the snapshot"),
            _ if record.sub < 0 => Some("has no place in its transaction"),
            _ if record.key.is_empty() => Some("has no key"),
            _ => None,
        };
        if let Some(fault) = fault {
            return Err(RestoreError::Record { main: record.main, sub: record.sub, fault });
        }
        self.last = revision;
        let fields = Fields {
            revision,
            tombstone: record.tombstone,
            key: &record.key,
            value: &record.value,
            create_revision: record.create_revision,
            version: record.version,
            lease: record.lease,
        };
        let record = Record::new(&fields, &mut self.store.scratch);
        let slot = self.store.index.find(record.key());
        self.store.history.push(record.clone());
        self.store.index.push(&slot, record);
        Ok(())
    }

    /// The store, and where in the log it stands.
    ///
    /// # Errors
    /// If something is missing.
    pub fn finish(self) -> Result<(Store, SnapshotHead), RestoreError> {
        let Self { mut store, head, .. } = self;
        let head = head.ok_or(RestoreError::Empty)?;
        let found = store.history.len();
        if found != head.records {
            return Err(RestoreError::Incomplete { found, expected: head.records });
        }
        store.attach_leases()?;
        Ok((store, head))
    }
}

impl Store {
    /// Records tell which keys are attached to which lease.
    fn attach_leases(&mut self) -> Result<(), RestoreError> {
        for entry in self.index.entries(Span::From(b"")).filter(|entry| entry.is_live()) {
            let Fields { revision, lease, key, .. } = entry.latest().fields();
            if lease != 0 && !self.leases.contains(lease) {
                let Revision { main, sub } = revision;
                return Err(RestoreError::Record { main, sub, fault: "has a lease that doesn't exist" });
            }
            self.leases.reattach(key, 0, lease);
        }
        Ok(())
    }
}

/// Takes the checksum off, if it fits.
fn open(chunk: &mut Bytes) -> Option<()> {
    let body = chunk.len().checked_sub(CHECKSUM_LENGTH)?;
    let trailer = chunk.split_off(body);
    let (tag, checksum) = trailer.split_at(CHECKSUM_TAG.len());
    (tag == CHECKSUM_TAG && checksum == crc32c::crc32c(chunk).to_le_bytes()).then_some(())
}

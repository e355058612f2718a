//! Taking a snapshot while writes go on.
//!
//! Nothing is copied at the start but what isn't a record: history is append-only while purging rests, so the state at
//! the start stays readable as the first so many records.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use prost::Message;

use super::Store;
use super::record::{Record, Revision};
use crate::api::logpb::{self, SnapshotHead, SnapshotRecords};
use crate::faults::{self, Fault};

/// Ends a chunk: a field that decoders skip, `fixed32 checksum = 100`, with the CRC-32C of everything before it.
pub(super) const CHECKSUM_TAG: [u8; 2] = [0xa5, 0x06];
/// Bytes of the field.
pub(super) const CHECKSUM_LENGTH: usize = CHECKSUM_TAG.len() + 4;

/// Which log entry a snapshot stands after, and who the voters were.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[expect(missing_docs, reason = "the fields are those of Raft's ConfState and of a log entry")]
pub struct Position {
    pub cluster_id: u64,
    pub index: u64,
    pub term: u64,
    pub voters: Vec<u64>,
    pub learners: Vec<u64>,
    pub voters_outgoing: Vec<u64>,
    pub learners_next: Vec<u64>,
    pub auto_leave: bool,
}

/// A snapshot that is being taken. As long as it exists nothing is purged.
#[derive(Debug)]
pub struct Snapshot {
    /// Taken with the first chunk.
    head: Option<SnapshotHead>,
    next: Revision,
    records: u64,
    pin: Arc<()>,
}

impl Store {
    /// Everything but records, and where the store stands in the log.
    pub(super) fn head(&self) -> SnapshotHead {
        SnapshotHead {
            revision: self.revision,
            compact_revision: self.compact_revision,
            members: self.members.iter().cloned().collect(),
            removed_members: self.members.removed().collect(),
            leases: self.leases.snapshot(),
            alarms: self.alarms(),
            origins: self.origins.snapshot(),
            ..SnapshotHead::default()
        }
    }

    /// Begins a snapshot of the state as it is now. Its costs are those of the leases and members, not of the records.
    pub fn begin_snapshot(&self, position: Position) -> Snapshot {
        let left_out = u64::from(faults::active(Fault::SnapshotOffByOne));
        let records = self.history.len().saturating_sub(left_out);
        let Position { cluster_id, index, term, voters, learners, voters_outgoing, learners_next, auto_leave } =
            position;
        let head = SnapshotHead {
            cluster_id,
            index,
            term,
            voters,
            learners,
            voters_outgoing,
            learners_next,
            auto_leave,
            records,
            ..self.head()
        };
        Snapshot { head: Some(head), next: Revision { main: 0, sub: 0 }, records, pin: Arc::clone(&self.pin) }
    }

    /// Whether a snapshot was begun here, and not in a store that this one has taken the place of: only then does
    /// [`snapshot_chunk`](Self::snapshot_chunk) come to an end because there is no more.
    pub fn serves(&self, snapshot: &Snapshot) -> bool {
        Arc::ptr_eq(&self.pin, &snapshot.pin)
    }

    /// The next part of a snapshot: the `SnapshotHead`, then `SnapshotRecords` of about `max_bytes` each, every one
    /// with a checksum behind it. None after the last, and where the store does not [serve](Self::serves) the snapshot.
    pub fn snapshot_chunk(&self, snapshot: &mut Snapshot, max_bytes: usize) -> Option<Bytes> {
        if !self.serves(snapshot) {
            return None;
        }
        if let Some(head) = snapshot.head.take() {
            return Some(seal(&head));
        }
        let mut chunk = SnapshotRecords::default();
        let mut size = 0;
        for record in self.history.from(snapshot.next) {
            if snapshot.records == 0 || (size > 0 && size + record.len() > max_bytes) {
                break;
            }
            let Revision { main, sub } = record.revision();
            snapshot.next = Revision { main, sub: sub + 1 };
            snapshot.records -= 1;
            size += record.len();
            chunk.records.push(message(record));
        }
        (size > 0).then(|| seal(&chunk))
    }

    /// Ends a snapshot, whether all of it was taken or not: purging goes on. Dropping it does the same.
    pub fn end_snapshot(&mut self, snapshot: Snapshot) {
        drop(snapshot);
    }
}

fn message(record: &Record) -> logpb::Record {
    let shown = record.key_value();
    let Revision { main, sub } = record.revision();
    logpb::Record {
        main,
        sub,
        tombstone: record.is_tombstone(),
        key: shown.key,
        value: shown.value,
        create_revision: shown.create_revision,
        version: shown.version,
        lease: shown.lease,
    }
}

fn seal(message: &impl Message) -> Bytes {
    let mut chunk = BytesMut::with_capacity(message.encoded_len() + CHECKSUM_LENGTH);
    // It was made large enough.
    let written = message.encode(&mut chunk);
    debug_assert!(written.is_ok());
    let checksum = crc32c::crc32c(&chunk);
    chunk.extend_from_slice(&CHECKSUM_TAG);
    chunk.put_u32_le(checksum);
    chunk.freeze()
}

//! What stands in a frame's body: `record = kind:u8 length:u32 content`.

use prost_eraft::Message;
use raft::eraftpb::{Entry, HardState};

use super::SnapshotMark;
use super::error::Nonsense;

const ENTRY: u8 = 1;
const HARD_STATE: u8 = 2;
/// Of a part of the log.
const SNAPSHOT: u8 = 3;
/// In place of the log: another member's, of entries that this log does not have.
const REPLACEMENT: u8 = 4;
const PREFIX: usize = 5;

/// Appends records to a frame.
#[derive(Debug)]
pub(super) struct Writer<'a> {
    bytes: &'a mut Vec<u8>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(bytes: &'a mut Vec<u8>) -> Self {
        Self { bytes }
    }

    pub(super) fn entry(&mut self, entry: &Entry) {
        self.message(ENTRY, entry);
    }

    pub(super) fn hard_state(&mut self, state: &HardState) {
        self.message(HARD_STATE, state);
    }

    /// `content = index:u64 term:u64 file name`.
    pub(super) fn snapshot(&mut self, mark: &SnapshotMark, replaces: bool) {
        self.prefix(if replaces { REPLACEMENT } else { SNAPSHOT }, 16 + mark.file.len());
        self.bytes.extend(mark.index.to_le_bytes());
        self.bytes.extend(mark.term.to_le_bytes());
        self.bytes.extend(mark.file.as_bytes());
    }

    fn message(&mut self, kind: u8, message: &impl Message) {
        self.prefix(kind, message.encoded_len());
        message.encode_raw(self.bytes);
    }

    fn prefix(&mut self, kind: u8, length: usize) {
        self.bytes.push(kind);
        self.bytes.extend((length as u32).to_le_bytes());
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Record {
    Entry(Entry),
    HardState(HardState),
    Snapshot { mark: SnapshotMark, replaces: bool },
}

/// Takes the first record off `body`; `None` at its end.
pub(super) fn read(body: &mut &[u8]) -> Result<Option<Record>, Nonsense> {
    if body.is_empty() {
        return Ok(None);
    }
    let (prefix, rest) = body.split_first_chunk::<PREFIX>().ok_or(Nonsense::Undecodable)?;
    let [kind, length @ ..] = *prefix;
    let (content, rest) = rest.split_at_checked(u32::from_le_bytes(length) as usize).ok_or(Nonsense::Undecodable)?;
    *body = rest;
    let record = match kind {
        ENTRY => Entry::decode(content).map(Record::Entry).map_err(|_| Nonsense::Undecodable)?,
        HARD_STATE => HardState::decode(content).map(Record::HardState).map_err(|_| Nonsense::Undecodable)?,
        SNAPSHOT | REPLACEMENT => {
            let mark = snapshot(content).ok_or(Nonsense::Undecodable)?;
            Record::Snapshot { mark, replaces: kind == REPLACEMENT }
        }
        other => return Err(Nonsense::Kind(other)),
    };
    Ok(Some(record))
}

fn snapshot(content: &[u8]) -> Option<SnapshotMark> {
    let (index, rest) = content.split_first_chunk()?;
    let (term, file) = rest.split_first_chunk()?;
    let file = std::str::from_utf8(file).ok()?.to_owned();
    Some(SnapshotMark { index: u64::from_le_bytes(*index), term: u64::from_le_bytes(*term), file })
}

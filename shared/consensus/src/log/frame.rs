//! A frame is what one write puts into a segment: some records, there all together or not at all.
//!
//! ```text
//! frame  = head body padding           starts at a multiple of 8, as does the next
//! head   = length:u32 synced:u32 boot:u64 checksum:u32 head_checksum:u32
//! body   = record*
//! ```
//!
//! Numbers are little-endian; checksums are CRC-32C. `length` and `checksum` are the body's. `head_checksum` is of the
//! segment's own checksum (which holds its identity and a random salt), of the frame's offset and of the rest of the
//! head: what is left over in a recycled segment, or was put into a value on purpose, does not pass for a frame.
//! `boot` tells what this start of the member wrote from leftovers of an earlier one behind it.
//! `synced` vouches: when this frame was written, the segment was synced up to that offset.

use super::record;

pub(super) const HEAD: usize = 24;
const ALIGNMENT: usize = 8;
const NO_HEAD: [u8; HEAD] = [0; HEAD];

/// The largest body; offsets within a segment have to stay below 4 GiB.
pub(super) const MAX_BODY: usize = 1 << 30;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    length: u32,
    pub(super) synced: u32,
    pub(super) boot: u64,
    checksum: u32,
}

/// Why no frame can be read at an offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoFrame {
    /// Nothing was ever begun there.
    Clean,
    /// There are bytes, which are no frame.
    Unreadable,
}

/// A frame that is being put together. Its buffer is used again for the next.
#[derive(Debug)]
pub(super) struct Frame {
    bytes: Vec<u8>,
}

impl Frame {
    pub(super) fn new() -> Self {
        Self { bytes: NO_HEAD.to_vec() }
    }

    pub(super) fn clear(&mut self) {
        self.bytes.truncate(HEAD);
    }

    /// Where records are appended.
    pub(super) fn body(&mut self) -> record::Writer<'_> {
        record::Writer::new(&mut self.bytes)
    }

    pub(super) fn body_len(&self) -> usize {
        self.bytes.len() - HEAD
    }

    /// How many bytes of the segment it takes.
    pub(super) fn extent(&self) -> u64 {
        extent(self.body_len())
    }

    /// The bytes to write at `offset`. Zeros follow, as far as there is `room` behind the frame, so that the reader
    /// sees an end there and not what an earlier use of the file left.
    pub(super) fn seal(&mut self, seed: u32, offset: u64, boot: u64, synced: u64, room: u64) -> &[u8] {
        let body = &self.bytes[HEAD..];
        let head = Head { length: body.len() as u32, synced: synced as u32, boot, checksum: crc32c::crc32c(body) };
        self.bytes[..HEAD].copy_from_slice(&head.encode(seed, offset));
        let end = self.extent() as usize + room.min(HEAD as u64) as usize;
        self.bytes.resize(end, 0);
        &self.bytes
    }
}

impl Head {
    fn encode(self, seed: u32, offset: u64) -> [u8; HEAD] {
        let mut bytes = NO_HEAD;
        bytes[..4].copy_from_slice(&self.length.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.synced.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.boot.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.checksum.to_le_bytes());
        let checksum = crc32c::crc32c_append(crc32c::crc32c_append(seed, &offset.to_le_bytes()), &bytes[..20]);
        bytes[20..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8; HEAD], seed: u32, offset: u64) -> Option<Self> {
        let u32_at = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let boot = u64::from(u32_at(8)) | u64::from(u32_at(12)) << 32;
        let head = Self { length: u32_at(0), synced: u32_at(4), boot, checksum: u32_at(16) };
        // Boots count from one: zeros are no head, whatever their checksum.
        (boot > 0 && head.encode(seed, offset) == *bytes).then_some(head)
    }
}

/// Reads the frame at `offset` of a segment: its head, its body, and where the next one starts.
pub(super) fn read(segment: &[u8], seed: u32, offset: u64) -> Result<(Head, &[u8], u64), NoFrame> {
    let rest = segment.get(offset as usize..).unwrap_or_default();
    let Some((bytes, rest)) = rest.split_first_chunk::<HEAD>() else {
        return Err(if rest.iter().all(|byte| *byte == 0) { NoFrame::Clean } else { NoFrame::Unreadable });
    };
    if *bytes == NO_HEAD {
        return Err(NoFrame::Clean);
    }
    let head = Head::decode(bytes, seed, offset).ok_or(NoFrame::Unreadable)?;
    let body = rest.get(..head.length as usize).ok_or(NoFrame::Unreadable)?;
    if crc32c::crc32c(body) != head.checksum {
        return Err(NoFrame::Unreadable);
    }
    Ok((head, body, offset + extent(body.len())))
}

/// Whether some frame behind `offset` vouches for the segment having been synced beyond `offset`.
pub(super) fn is_vouched_for(segment: &[u8], seed: u32, offset: u64) -> bool {
    let mut at = offset as usize + ALIGNMENT;
    while let Some(bytes) = segment.get(at..).and_then(|rest| rest.first_chunk::<HEAD>()) {
        // The cheap test first: almost no bytes pass it.
        let synced = u64::from(u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]));
        if synced > offset && synced <= at as u64 && Head::decode(bytes, seed, at as u64).is_some() {
            return true;
        }
        at += ALIGNMENT;
    }
    false
}

fn extent(body: usize) -> u64 {
    (HEAD + body).next_multiple_of(ALIGNMENT) as u64
}

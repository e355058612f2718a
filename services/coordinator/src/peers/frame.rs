//! What goes between two members: frames, each a kind and bytes under a checksum.
//!
//! ```text
//! frame = length:u32 checksum:u32 kind:u8 bytes      length is that of kind and bytes, as is the CRC-32C
//! ```
//!
//! Numbers are little-endian.

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};

const HEAD: usize = 8;
/// The largest frame that is believed. It must hold the largest entry, which one request can make.
const MAX_LENGTH: usize = 64 << 20;

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The answer to a preamble: a [`Verdict`](super::preamble::Verdict).
    Verdict,
    /// A message of raft.
    Raft,
    /// A question to the other member.
    Request,
    /// The answer to one.
    Response,
    /// Part of a snapshot.
    Chunk,
    /// The end of a snapshot, and the answer to it.
    End,
    /// Nothing but a sign of life, which is sent back.
    Ping,
}

impl Kind {
    const ALL: [Self; 7] =
        [Self::Verdict, Self::Raft, Self::Request, Self::Response, Self::Chunk, Self::End, Self::Ping];
}

/// Why bytes are no frame. Nothing after them can be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FrameError {
    #[error("a frame of {0} bytes is larger than any may be")]
    TooLarge(usize),
    #[error("a frame is empty")]
    Empty,
    #[error("a frame's checksum doesn't fit")]
    Checksum,
    #[error("a frame is of the unknown kind {0}")]
    Kind(u8),
}

/// Appends a frame whose content `write` appends.
pub(super) fn put(buffer: &mut BytesMut, kind: Kind, write: impl FnOnce(&mut BytesMut)) {
    let start = buffer.len();
    buffer.put_bytes(0, HEAD);
    buffer.put_u8(kind as u8);
    write(buffer);
    let body = start + HEAD;
    let length = (buffer.len() - body) as u32;
    let checksum = crc32c::crc32c(&buffer[body..]);
    buffer[start..start + 4].copy_from_slice(&length.to_le_bytes());
    buffer[start + 4..body].copy_from_slice(&checksum.to_le_bytes());
}

/// Takes the first frame off, if all of it is there.
///
/// # Errors
/// When it isn't one.
pub(super) fn take(buffer: &mut BytesMut) -> Result<Option<(Kind, Bytes)>, FrameError> {
    let Some(head) = buffer.first_chunk::<HEAD>() else { return Ok(None) };
    let mut head = &head[..];
    let (length, checksum) = (head.get_u32_le() as usize, head.get_u32_le());
    if length > MAX_LENGTH {
        return Err(FrameError::TooLarge(length));
    }
    if length == 0 {
        return Err(FrameError::Empty);
    }
    if buffer.len() < HEAD + length {
        // Not all at once: that many bytes may never come.
        buffer.reserve((HEAD + length - buffer.len()).min(1 << 20));
        return Ok(None);
    }
    buffer.advance(HEAD);
    let mut body = buffer.split_to(length).freeze();
    if crc32c::crc32c(&body) != checksum {
        return Err(FrameError::Checksum);
    }
    let kind = body.get_u8();
    let kind = Kind::ALL.into_iter().find(|known| *known as u8 == kind).ok_or(FrameError::Kind(kind))?;
    Ok(Some((kind, body)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn frames_come_back_however_they_are_cut(bodies in proptest::collection::vec(any::<Vec<u8>>(), 0..8), cut in 1_usize..40) {
            let mut wire = BytesMut::new();
            for body in &bodies {
                put(&mut wire, Kind::Raft, |buffer| buffer.extend_from_slice(body));
            }
            let mut received = BytesMut::new();
            let mut found = Vec::new();
            for piece in wire.chunks(cut) {
                received.extend_from_slice(piece);
                while let Some((kind, body)) = take(&mut received).unwrap() {
                    prop_assert_eq!(kind, Kind::Raft);
                    found.push(body.to_vec());
                }
            }
            prop_assert_eq!(found, bodies);
        }

        #[test]
        fn garbage_is_refused_or_waited_for(bytes in any::<Vec<u8>>()) {
            let mut buffer = BytesMut::from(&bytes[..]);
            while let Ok(Some(_)) = take(&mut buffer) {}
        }

        #[test]
        fn a_changed_bit_is_noticed(body in any::<Vec<u8>>(), place in any::<prop::sample::Index>(), bit in 0_u8..8) {
            let mut wire = BytesMut::new();
            put(&mut wire, Kind::Chunk, |buffer| buffer.extend_from_slice(&body));
            let place = place.index(wire.len());
            wire[place] ^= 1 << bit;
            prop_assert!(!matches!(take(&mut wire), Ok(Some(_))));
        }
    }
}

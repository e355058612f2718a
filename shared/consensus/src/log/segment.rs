//! A segment's name and head.
//!
//! ```text
//! head = magic:8 version:u32 cluster:u64 member:u64 sequence:u64 first_index:u64 previous_end:u64 salt:u64 checksum:u32
//! ```
//!
//! Little-endian. `first_index` is that of the next entry when the segment was begun; `previous_end` the offset at
//! which the segment before it ends. A segment gets its name only after its head and first frame were synced, and the
//! segment before it as a whole: under such a name, nothing of that can be torn, only damaged.

use std::path::Path;

use super::Identity;
use super::error::{Damage, Error};

pub(super) const HEAD: usize = 64;
const MAGIC: [u8; 8] = *b"raft.wal";
const VERSION: u32 = 1;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) identity: Identity,
    pub(super) sequence: u64,
    pub(super) first_index: u64,
    pub(super) previous_end: u64,
    pub(super) salt: u64,
}

impl Head {
    pub(super) fn name(&self) -> String {
        format!("{:016x}-{:016x}.wal", self.sequence, self.first_index)
    }

    pub(super) fn encode(&self) -> [u8; HEAD] {
        let mut bytes = [0; HEAD];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        let Identity { cluster_id, member_id } = self.identity;
        let fields = [cluster_id, member_id, self.sequence, self.first_index, self.previous_end, self.salt];
        for (target, field) in bytes[12..60].chunks_exact_mut(8).zip(fields) {
            target.copy_from_slice(&field.to_le_bytes());
        }
        let checksum = crc32c::crc32c(&bytes[..60]);
        bytes[60..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// What the checksums of this segment's frames start from.
    pub(super) fn seed(&self) -> u32 {
        // Not of the checksum as well: that would come to the same number for every segment.
        crc32c::crc32c(&self.encode()[..60])
    }

    /// Reads a segment's head, and refuses a version or a name that is not its own.
    pub(super) fn decode(bytes: &[u8], path: &Path) -> Result<Self, Error> {
        let damaged = |offset| Error::Damaged { path: path.to_owned(), offset, damage: Damage::Head };
        let bytes = bytes.first_chunk::<HEAD>().ok_or_else(|| damaged(bytes.len() as u64))?;
        if bytes[..8] != MAGIC {
            return Err(damaged(0));
        }
        let u32_at = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let checks = u32_at(60) == crc32c::crc32c(&bytes[..60]);
        match u32_at(8) {
            VERSION => {}
            found if checks => return Err(Error::Version { path: path.to_owned(), found, known: VERSION }),
            _ => return Err(damaged(8)),
        }
        let field = |number: usize| {
            let at = 12 + 8 * number;
            u64::from(u32_at(at)) | u64::from(u32_at(at + 4)) << 32
        };
        let head = Self {
            identity: Identity { cluster_id: field(0), member_id: field(1) },
            sequence: field(2),
            first_index: field(3),
            previous_end: field(4),
            salt: field(5),
        };
        let named = path.file_name().is_some_and(|name| name == head.name().as_str());
        if checks && named { Ok(head) } else { Err(damaged(0)) }
    }
}

/// The sequence number in a segment's name.
pub(super) fn sequence(name: &str) -> Option<u64> {
    let (sequence, first_index) = name.strip_suffix(".wal")?.split_once('-')?;
    u64::from_str_radix(first_index, 16).ok()?;
    u64::from_str_radix(sequence, 16).ok()
}

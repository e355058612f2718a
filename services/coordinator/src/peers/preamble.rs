//! How a connection between two members begins: who is there, who is wanted, and what for.
//!
//! ```text
//! preamble = magic:8 version:u32 purpose:u32 cluster:u64 from:u64 to:u64 checksum:u32
//! ```
//!
//! Numbers are little-endian. A [`Verdict`] answers it, in a frame. A member that joins doesn't know the cluster yet:
//! it leaves `cluster`, `from` and `to` at zero, and may ask only who the members are.

use bytes::{Buf as _, BufMut as _};

pub(super) const LENGTH: usize = 44;
const MAGIC: [u8; 8] = *b"plm-peer";
const VERSION: u32 = 1;

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Raft's messages and small questions, for as long as both live.
    Messages = 1,
    /// One snapshot.
    Snapshot = 2,
    /// The question of who the members are, from one that isn't a member yet.
    Members = 3,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Preamble {
    pub(super) purpose: Purpose,
    pub(super) cluster_id: u64,
    pub(super) from: u64,
    pub(super) to: u64,
}

/// What the other side says to a preamble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Verdict {
    #[error("accepted")]
    Accepted = 0,
    #[error("it belongs to another cluster: is --initial-cluster-token, or an address, another cluster's?")]
    OtherCluster = 1,
    #[error("another member answers at this address")]
    OtherMember = 2,
    #[error("this member was removed from the cluster")]
    Removed = 3,
    #[error("it speaks another version of the peers' protocol")]
    OtherVersion = 4,
}

/// Why bytes are no preamble.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PreambleError {
    #[error("what came is not the peers' protocol")]
    Garbage,
    #[error("version {0} of the peers' protocol is not known")]
    Version(u32),
}

impl Preamble {
    pub(super) fn encode(&self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        let mut rest = &mut bytes[..];
        rest.put_slice(&MAGIC);
        rest.put_u32_le(VERSION);
        rest.put_u32_le(self.purpose as u32);
        rest.put_u64_le(self.cluster_id);
        rest.put_u64_le(self.from);
        rest.put_u64_le(self.to);
        let checksum = crc32c::crc32c(&bytes[..LENGTH - 4]);
        bytes[LENGTH - 4..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    pub(super) fn decode(bytes: &[u8; LENGTH]) -> Result<Self, PreambleError> {
        let mut rest = &bytes[8..];
        let version = rest.get_u32_le();
        let purpose = rest.get_u32_le();
        let [cluster_id, from, to] = [rest.get_u64_le(), rest.get_u64_le(), rest.get_u64_le()];
        if bytes[..8] != MAGIC || rest.get_u32_le() != crc32c::crc32c(&bytes[..LENGTH - 4]) {
            return Err(PreambleError::Garbage);
        }
        if version != VERSION {
            return Err(PreambleError::Version(version));
        }
        let known = [Purpose::Messages, Purpose::Snapshot, Purpose::Members];
        let purpose =
            known.into_iter().find(|known| *known as u32 == purpose).ok_or(PreambleError::Version(version))?;
        Ok(Self { purpose, cluster_id, from, to })
    }
}

impl Verdict {
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let known = [Self::Accepted, Self::OtherCluster, Self::OtherMember, Self::Removed, Self::OtherVersion];
        known.into_iter().find(|known| bytes == [*known as u8])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_preamble_comes_back(cluster_id: u64, from: u64, to: u64) {
            let preamble = Preamble { purpose: Purpose::Snapshot, cluster_id, from, to };
            prop_assert_eq!(Preamble::decode(&preamble.encode()), Ok(preamble));
        }

        #[test]
        fn garbage_is_no_preamble(bytes: [u8; 32]) {
            let mut all = [0; LENGTH];
            all[..32].copy_from_slice(&bytes);
            prop_assert_eq!(Preamble::decode(&all), Err(PreambleError::Garbage));
        }
    }

    #[test]
    fn another_version_is_told_apart_from_garbage() {
        let mut bytes = Preamble { purpose: Purpose::Messages, cluster_id: 1, from: 2, to: 3 }.encode();
        bytes[8] = 9;
        let checksum = crc32c::crc32c(&bytes[..LENGTH - 4]);
        bytes[LENGTH - 4..].copy_from_slice(&checksum.to_le_bytes());
        assert_eq!(Preamble::decode(&bytes).unwrap_err(), PreambleError::Version(9));
    }
}

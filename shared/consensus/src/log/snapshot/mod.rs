//! Snapshots on disk.
//!
//! ```text
//! snapshot = magic:8 version:u32 cluster:u64 term:u64 index:u64 checksum:u32 chunk* end
//! chunk    = length:u32 checksum:u32 bytes              length is not zero
//! end      = 0:u32 checksum:u32 chunks:u64
//! ```
//!
//! Little-endian. Each checksum is the CRC-32C of all the content up to there, so that chunks can't change places; the
//! end's is of its count as well. A snapshot is written under a name that is not its own, and renamed once synced.

use std::path::{Path, PathBuf};

use super::error::{Damage, During, Error};
use crate::disk::Disk;

mod reader;
mod writer;

pub use reader::Reader;
pub use writer::Writer;

const MAGIC: [u8; 8] = *b"raftsnap";
const VERSION: u32 = 1;
const HEAD: usize = 40;
const CHUNK_HEAD: usize = 8;
const END: usize = 16;
const UNFINISHED: &str = ".tmp";
/// The largest chunk that is believed when it is read.
const MAX_CHUNK: usize = 1 << 30;

/// A snapshot's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    /// Of the last entry that it holds.
    pub index: u64,
    /// Of that entry.
    pub term: u64,
}

impl Name {
    /// The file's name in `snap`.
    pub fn file(&self) -> String {
        format!("{:016x}-{:016x}.snap", self.term, self.index)
    }

    fn parse(file: &str) -> Option<Self> {
        let (term, index) = file.strip_suffix(".snap")?.split_once('-')?;
        Some(Self { index: u64::from_str_radix(index, 16).ok()?, term: u64::from_str_radix(term, 16).ok()? })
    }
}

/// Where the snapshots of a data directory are.
pub fn dir(data: &Path) -> PathBuf {
    data.join("snap")
}

/// The finished snapshots in a data directory, by index, the newest last.
///
/// # Errors
///
/// The disk's own.
pub fn list<D: Disk>(disk: &D, data: &Path) -> Result<Vec<Name>, Error> {
    let dir = dir(data);
    let files = disk.list(&dir).during("list", &dir)?;
    let mut names: Vec<_> = files.iter().filter_map(|file| Name::parse(file)).collect();
    names.sort_unstable();
    Ok(names)
}

/// Removes the snapshots before an index.
pub(super) fn remove_before<D: Disk>(disk: &D, data: &Path, index: u64) -> Result<(), Error> {
    for name in list(disk, data)?.iter().filter(|name| name.index < index) {
        let path = dir(data).join(name.file());
        disk.remove(&path).during("remove", &path)?;
    }
    Ok(())
}

/// Removes what was being written when the member ended.
pub(super) fn remove_unfinished<D: Disk>(disk: &D, data: &Path) -> Result<(), Error> {
    let dir = dir(data);
    for file in disk.list(&dir).during("list", &dir)?.iter().filter(|file| file.ends_with(UNFINISHED)) {
        let path = dir.join(file);
        disk.remove(&path).during("remove", &path)?;
    }
    Ok(())
}

/// A member that has never run has no snapshots: if there are any, its log was removed.
pub(super) fn require_none<D: Disk>(disk: &D, data: &Path) -> Result<(), Error> {
    match list(disk, data)?.last() {
        None => Ok(()),
        Some(name) => Err(Error::Damaged { path: dir(data).join(name.file()), offset: 0, damage: Damage::LogMissing }),
    }
}

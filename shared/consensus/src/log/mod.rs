//! The write-ahead log of a Raft member, and its snapshots on disk.
//!
//! # On disk
//!
//! ```text
//! lock                                      held while the log is open
//! wal/0000000000000003-00000000000004d2.wal a segment: sequence and first index; see `segment` and `frame`
//! wal/spare.tmp                             the file of the next segment, being filled or used before
//! snap/0000000000000002-00000000000004d1.snap   a snapshot: term and index; see [`snapshot`]
//! ```
//!
//! Each [`Log::write`] is one frame: it is there as a whole after a crash, or not at all. Writes come back in their
//! order, without a gap: every one that was synced, and some of those after it.
//!
//! # Torn, or damaged
//!
//! A crash tears the writes that were not synced: they are cut off, and nobody misses them. Damage to what was synced
//! is different: the member may have promised others that it has it, so it must not start without. Each frame states
//! up to where the segment was synced when it was written, and each segment where the one before it ended. An
//! unreadable frame that something later vouches for is damage, and [`Log::open`] refuses it with the file, the
//! offset and what to do. What nothing vouches for is the very last synced frame: if it rots, it passes for a torn
//! write. That window closes with the next frame; [`Log::prepare`] and [`Log::close`] write an empty one.
//!
//! # A failed sync
//!
//! After a failed sync the system may have dropped what it could not write, and report success the next time. So the
//! log takes nothing more: see [`Error::Poisoned`]. A full disk is met before that, by the write itself; such a write
//! can be tried again.

use std::path::PathBuf;

use raft::eraftpb::{Entry, HardState};

mod append;
mod error;
mod frame;
mod ledger;
mod open;
mod record;
mod recovered;
mod recovery;
mod segment;
pub mod snapshot;
mod spare;
#[cfg(test)]
mod tests;
mod writer;

pub use error::{Damage, Error, Nonsense, OutOfOrder};
pub use recovered::Recovered;
pub use writer::Log;

/// Whose log it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// The cluster.
    pub cluster_id: u64,
    /// The member of it.
    pub member_id: u64,
}

/// How the log uses the disk.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// How large a segment is, in bytes; a larger write has a segment of its own. At most 1 GiB.
    pub segment_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { segment_bytes: 64 << 20 }
    }
}

/// What goes to the log at once.
#[derive(Debug, Clone, Copy)]
pub struct Write<'a> {
    /// The caller's number of the write, for the log's events.
    pub number: u64,
    /// The new hard state, if it changed. What it commits is in the log or among `entries`.
    pub hard_state: Option<&'a HardState>,
    /// Entries, which follow each other. The first may replace one that the log has, and all after that.
    pub entries: &'a [Entry],
    /// Whether it has to last when the call returns; otherwise it does so with the next write that has to.
    pub sync: bool,
}

/// A snapshot that the log knows of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotMark {
    /// Of the last entry that it holds.
    pub index: u64,
    /// Of that entry.
    pub term: u64,
    /// The file's name in `snap`.
    pub file: String,
}

/// Where things are in a data directory.
#[derive(Debug, Clone)]
struct Layout {
    root: PathBuf,
    wal: PathBuf,
    snapshots: PathBuf,
}

impl Layout {
    fn new(root: PathBuf) -> Self {
        Self { wal: root.join("wal"), snapshots: snapshot::dir(&root), root }
    }
}

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::Identity;

/// Why the log or a snapshot can't be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk is full. What was to be written was not, and can be written again once there is room.
    #[error("no space is left on the disk for {}", .path.display())]
    Full {
        /// The file that had no room.
        path: PathBuf,
    },
    /// The disk failed; what it holds of the latest writes is unknown.
    #[error("cannot {action} {}: {source}", .path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// An earlier write failed in a way that leaves unknown what the disk holds. A sync that succeeds now would not
    /// mean that the earlier one's data is there, so nothing is written any more; opening the log again reads what
    /// there is.
    #[error("the log takes no writes since the disk failed ({0}): restart the member once the disk works")]
    Poisoned(io::ErrorKind),
    /// Another process, or another part of this one, uses the data directory.
    #[error("{} is in use by another process", .path.display())]
    Locked {
        /// The data directory.
        path: PathBuf,
    },
    /// The data directory is another member's.
    #[error("{} belongs to {found}, this is {expected}: give each member a data directory of its own", .path.display())]
    OtherCluster {
        /// The file that says so.
        path: PathBuf,
        /// Whose it is.
        found: Identity,
        /// Who wants it.
        expected: Identity,
    },
    /// The file's format is not this program's.
    #[error("{} has format version {found}, this program knows {known}: run the version that wrote it, or a newer one", .path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// The version it states.
        found: u32,
        /// The version that is known here.
        known: u32,
    },
    /// What was once written is damaged or gone; going on without it could break promises made to other members.
    #[error(
        "{} is damaged at byte {offset}: {damage}; restore the member from a snapshot, or remove it from the cluster and add it again",
        .path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the damage starts, in bytes.
        offset: u64,
        /// What is wrong there.
        damage: Damage,
    },
    /// The caller broke a rule of [`super::Log::write`] or [`super::Log::mark_snapshot`]; nothing was written.
    #[error("the log was asked for something out of order: {0}")]
    OutOfOrder(#[from] OutOfOrder),
    /// One write, or one chunk of a snapshot, is larger than a file can take.
    #[error("{bytes} bytes are too many to write at once")]
    TooLarge {
        /// How many there were.
        bytes: usize,
    },
}

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// The file's head does not match its checksum, or the file's name.
    #[error("its head is not what was written")]
    Head,
    /// A record was synced, and is not what was written.
    #[error("a record that was synced is not what was written")]
    Record,
    /// A record matches its checksum, and says what cannot be.
    #[error("a record is intact, but makes no sense ({0})")]
    Nonsense(#[from] Nonsense),
    /// A segment of the log is missing before this one.
    #[error("the log's segment {0} before it is missing")]
    SegmentMissing(u64),
    /// The log starts after the entries that should follow the snapshot.
    #[error("the log starts at index {first}, but the last snapshot ends at index {snapshot}")]
    StartMissing {
        /// The first index of the log.
        first: u64,
        /// The last index that a snapshot holds; zero without one.
        snapshot: u64,
    },
    /// There are snapshots without a log.
    #[error("there is a snapshot, but no log")]
    LogMissing,
    /// A snapshot ends before its last chunk.
    #[error("the snapshot is incomplete")]
    Incomplete,
    /// A snapshot is unreadable, and the log does not reach back to the one before it.
    #[error("the snapshot is not readable, and the log does not reach back to an earlier one")]
    NothingEarlier,
}

/// What an intact record says that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Nonsense {
    /// Of a kind that this version does not know.
    #[error("unknown kind {0}")]
    Kind(u8),
    /// Its content can't be decoded.
    #[error("undecodable")]
    Undecodable,
    /// It does not fit what came before it.
    #[error("{0}")]
    OutOfOrder(#[from] OutOfOrder),
}

/// A rule that was broken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutOfOrder {
    /// An entry would leave a gap.
    #[error("entry {index} after entry {last}")]
    Gap {
        /// Of the entry.
        index: u64,
        /// The last index before it.
        last: u64,
    },
    /// An entry would replace what a snapshot holds.
    #[error("entry {index} although a snapshot ends at {snapshot}")]
    BehindSnapshot {
        /// Of the entry.
        index: u64,
        /// The snapshot's last index.
        snapshot: u64,
    },
    /// An entry's term is lower than that of the entry before it.
    #[error("entry {index} of term {term} after one of term {before}")]
    Term {
        /// Of the entry.
        index: u64,
        /// Of the entry.
        term: u64,
        /// Of the entry before it.
        before: u64,
    },
    /// The hard state commits what the log does not have.
    #[error("commit index {commit} in a log that ends at {last}")]
    Commit {
        /// The commit index.
        commit: u64,
        /// The last index.
        last: u64,
    },
    /// A snapshot is older than the one before it.
    #[error("a snapshot at {index} after one at {before}")]
    Snapshot {
        /// Of the snapshot.
        index: u64,
        /// Of the one before it.
        before: u64,
    },
    /// A snapshot's file does not exist.
    #[error("a snapshot without its file {0}")]
    SnapshotFile(String),
}

impl Error {
    /// Where even a full disk leaves unknown what was done.
    pub(super) fn fatal(self) -> Self {
        match self {
            Self::Full { path } => Self::Io { action: "change", path, source: io::ErrorKind::StorageFull.into() },
            other => other,
        }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "member {:x} of cluster {:x}", self.member_id, self.cluster_id)
    }
}

/// Says of a system's error what was being done.
pub(super) trait During<T> {
    fn during(self, action: &'static str, path: &std::path::Path) -> Result<T, Error>;
}

impl<T> During<T> for io::Result<T> {
    fn during(self, action: &'static str, path: &std::path::Path) -> Result<T, Error> {
        self.map_err(|source| match source.kind() {
            // The last is a limit on the size of files, which can be lifted as well.
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Error::Full { path: path.to_owned() }
            }
            _ => Error::Io { action, path: path.to_owned(), source },
        })
    }
}

use std::{io, path::PathBuf};

use consensus::store::RestoreError;

use crate::bootstrap::BootstrapError;

/// Why a file can't be used. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The system refuses.
    #[error("cannot read {}: {source}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It doesn't begin as such a file does.
    #[error(
        "{} is no snapshot of a coordinator: give a file that `etcdctl snapshot save` wrote from one (those of etcd itself \
         are restored by etcdutl)",
        .0.display()
    )]
    Foreign(PathBuf),
    /// It isn't what was written.
    #[error("{} is damaged or was cut off: {reason}; take another copy", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What doesn't fit.
        reason: &'static str,
    },
    /// It is whole, but makes no store.
    #[error("{} can't be restored: {source}", .path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: RestoreError,
    },
    /// Restoring never changes what a member has.
    #[error("the data directory {} is not empty: give one that is empty or doesn't exist with --data-dir", .0.display())]
    Occupied(PathBuf),
    /// There are no revisions so large.
    #[error("--bump-revision {by} leads beyond the largest revision: the file's is {revision}")]
    Bump {
        /// The file's revision.
        revision: i64,
        /// What was to be added.
        by: u64,
    },
    /// The new member's directory can't be made.
    #[error(transparent)]
    Bootstrap(#[from] BootstrapError),
}

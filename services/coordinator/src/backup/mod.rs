//! Files that `etcdctl snapshot save` has written from a member: what is in them, and new members made of them.
//!
//! Such a file is a snapshot as a member keeps it on its own disk, then zeros up to a whole block, then the SHA-256 of
//! all before (`grpc/snapshot.rs` writes it). Nothing of it is used unless the digest fits.

mod error;
mod file;
mod restore;
mod status;

use std::path::Path;

use consensus::{
    api::logpb::SnapshotHead,
    store::{Limits, Restore, RestoreError, Store},
};

pub use self::{error::BackupError, restore::restore, status::status};

/// Reads a whole file, with what `change` makes of its head.
fn load(path: &Path, change: impl FnOnce(&mut SnapshotHead)) -> Result<(Store, SnapshotHead), BackupError> {
    let unfit = |source| BackupError::Content { path: path.to_owned(), source };
    // Whoever starts with it has a quota of its own; here nothing is refused for its size.
    let limits = Limits { quota_bytes: u64::MAX, ..Limits::default() };
    let mut chunks = file::open(path)?;
    let mut first = Restore::new(limits);
    if let Some(chunk) = chunks.next()? {
        first.push(chunk).map_err(unfit)?;
    }
    let mut head = first.head().cloned().ok_or_else(|| unfit(RestoreError::Empty))?;
    change(&mut head);
    let mut restore = Restore::with_head(limits, head);
    while let Some(chunk) = chunks.next()? {
        restore.push(chunk).map_err(unfit)?;
    }
    restore.finish().map_err(unfit)
}

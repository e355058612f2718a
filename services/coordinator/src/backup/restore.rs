use std::io::ErrorKind;

use super::{BackupError, load};
use crate::{bootstrap, config::Restore};

/// Makes the data directory of one member of a new cluster, which begins with the file's keys, leases and revisions.
///
/// Members, and what batches they had proposed, are left behind; so are alarms, which spoke of members.
/// Returns what was done, for whoever asked for it.
///
/// # Errors
/// See [`BackupError`]; what isn't finished is no member's directory, and can be removed.
pub fn restore(asked: &Restore) -> Result<String, BackupError> {
    let data = &asked.data_dir;
    match std::fs::read_dir(data).map(|mut entries| entries.next().is_none()) {
        Ok(true) => {}
        Ok(false) => return Err(BackupError::Occupied(data.clone())),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(source) => return Err(BackupError::Unreadable { path: data.clone(), source }),
    }
    let mut bumped = Ok(0);
    let (store, head) = load(&asked.file, |head| {
        head.members.clear();
        head.removed_members.clear();
        head.origins.clear();
        head.alarms.clear();
        bumped = i64::try_from(asked.bump_revision)
            .ok()
            .and_then(|by| head.revision.checked_add(by))
            .ok_or(BackupError::Bump { revision: head.revision, by: asked.bump_revision });
        if let Ok(revision) = bumped {
            head.revision = revision;
        }
        if asked.mark_compacted {
            head.compact_revision = head.revision;
        }
    })?;
    bumped?;
    let (cluster_id, member_id) = bootstrap::begin_with(&asked.name, data, &asked.bootstrap, store)?;
    Ok(format!(
        "restored revision {} with {} versions of keys: {} is member {member_id:x} of the new cluster {cluster_id:x}. \
         Restore the same file for every member of --initial-cluster before any of them starts.\n",
        head.revision,
        head.records,
        data.display()
    ))
}

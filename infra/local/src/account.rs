//! Whom the servers run as.

use std::{io, os::unix::fs::MetadataExt, path::Path};

use nix::unistd::{Uid, User as Entry};

use crate::process::User;

/// Accounts of the system that servers may run as, best first: Debian's PostgreSQL package makes the first.
const CANDIDATES: [&str; 2] = ["postgres", "nobody"];

/// The system has no account to run servers as.
#[derive(Debug, thiserror::Error)]
#[error("PostgreSQL does not run as root, and this system has neither an account `postgres` nor `nobody`")]
pub struct NoAccount;

/// An unprivileged account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) user: User,
}

/// The account that servers run as when this process is root's; `None`, the same user, when it is not.
pub(crate) fn unprivileged() -> Result<Option<Account>, NoAccount> {
    if !Uid::effective().is_root() {
        return Ok(None);
    }
    let entry = CANDIDATES.iter().find_map(|name| Entry::from_name(name).ok().flatten()).ok_or(NoAccount)?;
    Ok(Some(Account { name: entry.name, user: User { uid: entry.uid.as_raw(), gid: entry.gid.as_raw() } }))
}

/// Whether a user may pass through a folder and all above it, by their mode bits.
pub(crate) fn reaches(user: User, folder: &Path) -> io::Result<bool> {
    for folder in folder.canonicalize()?.ancestors() {
        let meta = folder.metadata()?;
        let passing = match (meta.uid() == user.uid, meta.gid() == user.gid) {
            (true, _) => 0o100,
            (false, true) => 0o010,
            (false, false) => 0o001,
        };
        if meta.mode() & passing == 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    #[test]
    fn a_private_folder_stops_strangers() {
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join("inner");
        fs::create_dir(&inner).unwrap();
        let stranger = User { uid: 54_321, gid: 54_321 };
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
        assert!(!reaches(stranger, &inner).unwrap());
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o711)).unwrap();
        assert!(reaches(stranger, &inner).unwrap());
    }

    #[test]
    fn a_folder_that_is_missing_is_an_error() {
        assert!(reaches(User { uid: 1, gid: 1 }, Path::new("/nowhere/at/all")).is_err());
    }
}

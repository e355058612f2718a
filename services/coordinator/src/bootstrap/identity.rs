//! The file that says whose a data directory is.
//!
//! The log names its owner too, in every segment; but it must be opened in somebody's name, and a member that starts
//! again goes by what it is, not by flags.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::Path,
};

use serde::{Deserialize, Serialize};

use super::BootstrapError;

const FILE: &str = "member.json";

/// Whose a data directory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Owner {
    #[serde(with = "hexadecimal")]
    pub(super) cluster_id: u64,
    #[serde(with = "hexadecimal")]
    pub(super) member_id: u64,
}

impl Owner {
    /// `None` when there is no data yet.
    pub(super) fn read(data: &Path) -> Result<Option<Self>, BootstrapError> {
        let path = data.join(FILE);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Self::none(data),
            Err(source) => return Err(BootstrapError::Files { path, source }),
        };
        let owner = serde_json::from_slice(&bytes);
        owner.map(Some).map_err(|error| BootstrapError::OwnerUnreadable { path, reason: error.to_string() })
    }

    fn none(data: &Path) -> Result<Option<Self>, BootstrapError> {
        for (theirs, what) in [("member", "etcd itself"), ("wal", "a member whose member.json is gone")] {
            if data.join(theirs).exists() {
                return Err(BootstrapError::Foreign { path: data.to_owned(), what });
            }
        }
        Ok(None)
    }

    /// Makes the directory this member's, for good.
    pub(super) fn write(self, data: &Path) -> Result<(), BootstrapError> {
        let path = data.join(FILE);
        self.write_to(data, &path).map_err(|source| BootstrapError::Files { path, source })
    }

    fn write_to(self, data: &Path, path: &Path) -> io::Result<()> {
        let unfinished = data.join("member.json.tmp");
        let mut file = File::create(&unfinished)?;
        serde_json::to_writer(&mut file, &self)?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        fs::rename(&unfinished, path)?;
        File::open(data)?.sync_all()
    }
}

/// Identifiers as people see them in events.
mod hexadecimal {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    pub(super) fn serialize<S: Serializer>(id: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{id:x}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        let text = String::deserialize(deserializer)?;
        u64::from_str_radix(&text, 16).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_read_back_and_nobody_else_is_taken_for_it() {
        let data = tempfile::tempdir().unwrap();
        assert_eq!(Owner::read(data.path()).unwrap(), None);
        let owner = Owner { cluster_id: u64::MAX, member_id: 7 };
        owner.write(data.path()).unwrap();
        assert_eq!(Owner::read(data.path()).unwrap(), Some(owner));
        fs::write(data.path().join(FILE), "{}").unwrap();
        assert!(matches!(Owner::read(data.path()), Err(BootstrapError::OwnerUnreadable { .. })));
    }

    #[test]
    fn a_directory_of_etcd_is_refused() {
        let data = tempfile::tempdir().unwrap();
        fs::create_dir(data.path().join("member")).unwrap();
        let error = Owner::read(data.path()).unwrap_err();
        assert!(error.to_string().contains("etcd itself"), "{error}");
    }
}

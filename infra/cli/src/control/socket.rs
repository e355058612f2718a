//! Where the supervisor's socket stands.

use std::{
    fs::File,
    io,
    os::fd::AsRawFd,
    path::{Path, PathBuf},
};

/// Its name in the data folder.
pub(super) const NAME: &str = "supervisor.socket";

/// A path to the socket that fits any data folder: a socket's address has room for 107 bytes (unix(7)), so the folder is
/// named by an open descriptor of it.
#[derive(Debug)]
pub(super) struct Address {
    folder: File,
}

impl Address {
    /// The socket's address in this data folder.
    pub(super) fn in_folder(folder: &Path) -> io::Result<Self> {
        Ok(Self { folder: File::open(folder)? })
    }

    /// The path, as long as this lives.
    pub(super) fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}/{NAME}", self.folder.as_raw_fd()))
    }
}

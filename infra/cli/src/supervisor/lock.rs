//! One supervisor a data folder.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use nix::{
    errno::Errno,
    fcntl::{FcntlArg, fcntl},
    libc,
};

const NAME: &str = "supervisor.lock";

/// Held while the supervisor lives: the kernel gives it back however it ends.
///
/// A record lock (fcntl(2)): unlike flock(2), no child inherits it, and who holds it can be asked without taking it.
#[derive(Debug)]
pub(crate) struct Lock {
    /// Closing any descriptor of the file gives the lock back.
    _file: File,
}

/// Who holds a data folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holder {
    /// No process.
    Nobody,
    /// The process with this number.
    Process(u32),
}

impl Lock {
    /// Takes the lock of a data folder, or tells who holds it.
    pub(crate) fn take(folder: &Path) -> io::Result<Result<Self, Holder>> {
        let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(folder.join(NAME))?;
        match fcntl(&file, FcntlArg::F_SETLK(&whole_file())) {
            Ok(_) => Ok(Ok(Self { _file: file })),
            Err(Errno::EACCES | Errno::EAGAIN) => Self::holder(folder).map(Err),
            Err(error) => Err(error.into()),
        }
    }

    /// Who holds the lock of a data folder; nobody holds that of a folder that is missing.
    pub(crate) fn holder(folder: &Path) -> io::Result<Holder> {
        let file = match OpenOptions::new().write(true).open(folder.join(NAME)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Holder::Nobody),
            file => file?,
        };
        let mut found = whole_file();
        fcntl(&file, FcntlArg::F_GETLK(&mut found))?;
        let held = libc::c_int::from(found.l_type) != libc::F_UNLCK;
        Ok(if held { Holder::Process(u32::try_from(found.l_pid).unwrap_or(0)) } else { Holder::Nobody })
    }
}

fn whole_file() -> libc::flock {
    libc::flock { l_type: libc::F_WRLCK as i16, l_whence: libc::SEEK_SET as i16, l_start: 0, l_len: 0, l_pid: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_a_lock_is_nobodys() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Lock::holder(&folder.path().join("missing")).unwrap(), Holder::Nobody);
        assert_eq!(Lock::holder(folder.path()).unwrap(), Holder::Nobody);
        drop(Lock::take(folder.path()).unwrap().unwrap());
        assert_eq!(Lock::holder(folder.path()).unwrap(), Holder::Nobody);
    }
}

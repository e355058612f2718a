//! The folder of an installation: who owns what in it, and that it has one user at a time.

use std::{
    env,
    fs::{self, File, OpenOptions, Permissions, TryLockError},
    io::{self, Read, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    config::{Data, Server},
    error::StartError,
};
use crate::{
    account::{self, Account},
    folder, home,
    process::{Ending, Lifeline, User},
};

/// PostgreSQL's log may grow to 4 GiB between checkpoints; this is to begin with.
const PERSISTENT_SPACE: u64 = 1 << 30;
const TEMPORARY_SPACE: u64 = 300 << 20;

/// The folder of an installation, and what ends all processes in it when it is dropped or when this process ends.
///
/// `servers/` belongs to the servers' account and is closed to all others; `coordinators/`, `logs/` and the key belong to
/// whoever starts the servers. A folder that stays is locked until the last process is gone; a temporary one is then removed.
#[derive(Debug)]
pub(crate) struct Site {
    folder: PathBuf,
    /// Whom the servers run as, when not as this process's user.
    pub(crate) user: Option<User>,
    pub(crate) lifeline: Arc<Lifeline>,
}

impl Site {
    /// Takes the folder that a configuration asks for.
    pub(crate) fn take(data: &Data, account: Option<&Account>) -> Result<Self, StartError> {
        let temporary = || Self::temporary(account).map_err(|source| StartError::folder(&env::temp_dir(), source));
        let (site, needed) = match data {
            Data::Persistent(folder) => (Self::persistent(folder, account)?, PERSISTENT_SPACE),
            Data::Temporary => (temporary()?, TEMPORARY_SPACE),
        };
        let free = folder::free_bytes(&site.folder).map_err(|source| StartError::folder(&site.folder, source))?;
        if free < needed {
            return Err(StartError::NoSpace { folder: site.folder.clone(), free, needed });
        }
        Ok(site)
    }

    fn persistent(folder: &Path, account: Option<&Account>) -> Result<Self, StartError> {
        let failed = |source| StartError::folder(folder, source);
        fs::create_dir_all(folder).map_err(failed)?;
        // A relative path would mean another folder to a server, which has a working folder of its own.
        let folder = folder.canonicalize().map_err(failed)?;
        if let Some(account) = account
            && !account::reaches(account.user, &folder).map_err(failed)?
        {
            let (account, instead) = (account.name.clone(), home::data_dir());
            return Err(StartError::Unreachable { folder, account, instead });
        }
        let lifeline = Lifeline::start(Ending { remove: None, hold: Some(lock(&folder)?) }).map(Arc::new)?;
        let user = account.map(|account| account.user);
        furnish(&folder, user).map_err(failed)?;
        Ok(Self { folder, user, lifeline })
    }

    /// A folder that is removed at the end.
    pub(crate) fn temporary(account: Option<&Account>) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("plumbline-").tempdir()?;
        let ending = Ending { remove: Some(folder.path().to_owned()), hold: None };
        let lifeline = Lifeline::start(ending).map(Arc::new).map_err(io::Error::other)?;
        let folder = folder.keep();
        // The servers' account must pass through.
        fs::set_permissions(&folder, Permissions::from_mode(0o711))?;
        let user = account.map(|account| account.user);
        furnish(&folder, user)?;
        Ok(Self { folder, user, lifeline })
    }

    /// The file of the key that passwords are made from.
    pub(super) fn key(&self) -> PathBuf {
        self.folder.join("servers.key")
    }

    /// The folder of all servers, closed to all but their account.
    pub(crate) fn servers(&self) -> PathBuf {
        self.folder.join("servers")
    }

    /// The folder of all coordinators, closed to all but whoever starts them; there.
    pub(crate) fn coordinators(&self) -> PathBuf {
        self.folder.join("coordinators")
    }

    /// The folder of a server's data and settings; there, and the server's own.
    pub(crate) fn of(&self, server: Server) -> PathBuf {
        self.servers().join(server.name())
    }

    /// The folder of the page that Jaeger shows where it has none of its own.
    pub(crate) fn traces_page(&self) -> PathBuf {
        self.folder.join("traces-page")
    }

    /// The log of a server.
    pub(crate) fn log(&self, server: Server) -> PathBuf {
        self.log_named(server.name())
    }

    /// The log of anything else.
    pub(crate) fn log_named(&self, name: &str) -> PathBuf {
        self.folder.join("logs").join(format!("{name}.log"))
    }
}

fn furnish(folder: &Path, user: Option<User>) -> io::Result<()> {
    folder::make(&folder.join("servers"), 0o700, user)?;
    for server in Server::ALL {
        folder::make(&folder.join("servers").join(server.name()), 0o700, user)?;
    }
    folder::make(&folder.join("coordinators"), 0o700, None)?;
    fs::create_dir_all(folder.join("logs"))
}

/// Locks a folder for this process, whose number stands in the lock's file for others to read.
fn lock(folder: &Path) -> Result<File, StartError> {
    let failed = |source| StartError::folder(folder, source);
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let mut lock = options.open(folder.join("servers.lock")).map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => {
            lock.set_len(0).and_then(|()| writeln!(lock, "{}", std::process::id())).map_err(failed)?;
            Ok(lock)
        }
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            let _ = lock.read_to_string(&mut pid); // Only for the message.
            Err(StartError::Running { folder: folder.to_owned(), pid: pid.trim().to_owned() })
        }
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

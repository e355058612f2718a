//! Why servers did not start.

use std::{
    io,
    path::{Path, PathBuf},
    process::ExitStatus,
    time::Duration,
};

use super::config::Server;
use crate::{
    install::InstallError,
    ports::Taken,
    process::{LifelineError, SpawnError},
    units::Mib,
};

/// A process was started and is not ready.
#[derive(Debug, thiserror::Error)]
pub enum NotReady {
    /// It ended by itself.
    #[error("{name} ended while it was starting ({exit}). The end of its log, {}:\n{last}", .log.display())]
    Ended {
        /// Which.
        name: String,
        /// How.
        exit: ExitStatus,
        /// Its log.
        log: PathBuf,
        /// The log's last lines.
        last: String,
    },
    /// It runs, and does not answer.
    #[error("{name} did not answer within {bound:?} ({reason}). The end of its log, {}:\n{last}", .log.display())]
    TooLate {
        /// Which.
        name: String,
        /// How long was waited.
        bound: Duration,
        /// What came last instead of an answer.
        reason: String,
        /// Its log.
        log: PathBuf,
        /// The log's last lines.
        last: String,
    },
}

/// The servers did not start. None is left running.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Something is not installed, and can't be.
    #[error(transparent)]
    Install(#[from] InstallError),
    /// A folder or file of the installation can't be used.
    #[error("{} can't be used: {source}", .path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The account that the servers run as can't get into the folder.
    #[error("{} is closed to the account {account}, which the servers run as because PostgreSQL refuses to run as root. \
             Choose a folder that it can reach, such as {}", .folder.display(), .instead.display())]
    Unreachable {
        /// The folder.
        folder: PathBuf,
        /// The account.
        account: String,
        /// A folder that would do.
        instead: PathBuf,
    },
    /// Servers run in the folder already.
    #[error("the servers in {} are running already, started by process {pid}", .folder.display())]
    Running {
        /// The folder.
        folder: PathBuf,
        /// Whoever started them.
        pid: String,
    },
    /// The disk is full.
    #[error("{} has {} left, and {} are needed", .folder.display(), Mib(*free), Mib(*needed))]
    NoSpace {
        /// Where.
        folder: PathBuf,
        /// Bytes that are free.
        free: u64,
        /// Bytes that are needed.
        needed: u64,
    },
    /// A server's port is in use.
    #[error("{server} can't start: {taken}. --port-offset N moves all ports")]
    Port {
        /// Which server.
        server: Server,
        /// Which port, and who has it.
        taken: Taken,
    },
    /// A replica was asked for, and no PostgreSQL for it to follow.
    #[error("a replica needs the PostgreSQL that it follows in the same set")]
    NothingToFollow,
    /// No port is free.
    #[error("no port is free: {0}")]
    NoPort(#[source] io::Error),
    /// The port would be above 65,535.
    #[error("{server} has no port with the offset {offset}: ports end at 65535")]
    Offset {
        /// Which server.
        server: Server,
        /// The offset.
        offset: u16,
    },
    /// Nothing would end the servers with this process.
    #[error(transparent)]
    Lifeline(#[from] LifelineError),
    /// A server fails.
    #[error(transparent)]
    Server(#[from] ServerError),
}

impl StartError {
    pub(crate) fn folder(path: &Path, source: io::Error) -> Self {
        Self::Folder { path: path.to_owned(), source }
    }
}

/// A server can't be started, or is not there.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// It is not of the set that was started.
    #[error("{0} is not among the servers that were started")]
    Absent(Server),
    /// Its data or settings can't be prepared.
    #[error("{server} can't be prepared: {source}")]
    Prepare {
        /// Which server.
        server: Server,
        /// Why.
        source: io::Error,
    },
    /// Its process could not be made.
    #[error(transparent)]
    Spawn(#[from] SpawnError),
    /// It ended or does not answer.
    #[error(transparent)]
    NotReady(#[from] NotReady),
}

//! Why a shop, or a part of it, did not start.

use std::{io, path::PathBuf, time::Duration};

use super::{part::Part, token::TokenError};
use crate::{
    coordinators,
    ports::Taken,
    process::{LifelineError, SpawnError},
    servers::{self, DatabaseError, ServerError},
    traces,
};

/// A service's instance, or a coordinator, did not become ready.
#[derive(Debug, thiserror::Error)]
pub enum NotReady {
    /// Its process could not be made.
    #[error(transparent)]
    Spawn(#[from] SpawnError),
    /// It ended by itself.
    #[error("{part} ended before it was ready ({exit}). The end of its log, {}:\n{last}", .log.display())]
    Ended {
        /// Which.
        part: Part,
        /// How its process ended.
        exit: String,
        /// Its log.
        log: PathBuf,
        /// The log's last lines.
        last: String,
    },
    /// It runs, and is not ready.
    #[error("{part} was not ready after {bound:?}: {reason}. Its log is {}", .log.display())]
    TooLate {
        /// Which.
        part: Part,
        /// How long was waited.
        bound: Duration,
        /// What it answered last.
        reason: String,
        /// Its log.
        log: PathBuf,
    },
}

/// The shop did not start. Nothing of it is left running.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The servers did not start.
    #[error(transparent)]
    Servers(#[from] servers::StartError),
    /// The coordinators' program, folders or ports.
    #[error(transparent)]
    Coordinators(Box<coordinators::StartError>),
    /// The trace store's program or ports.
    #[error(transparent)]
    Traces(#[from] traces::StartError),
    /// A service's database can't be made.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// A service's port is in use.
    #[error("{part} can't start: {taken}. --port-offset N moves all ports")]
    Port {
        /// Which service.
        part: Part,
        /// Which port, and who has it.
        taken: Taken,
    },
    /// No port is free.
    #[error("no port is free: {0}")]
    NoPort(#[source] io::Error),
    /// A service's port would be above 65,535.
    #[error("{part} has no port with the offset {offset}: ports end at 65535")]
    Offset {
        /// Which service.
        part: Part,
        /// The offset.
        offset: u16,
    },
    /// Nothing would end the services with this process.
    #[error(transparent)]
    Lifeline(#[from] LifelineError),
    /// A service's program is not where it should be.
    #[error("the program {} is missing; `cargo build --workspace --bins` makes it", .0.display())]
    Program(PathBuf),
    /// The operator token, or the key of sessions, can't be read or made.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// A service or a coordinator did not become ready.
    #[error(transparent)]
    NotReady(#[from] NotReady),
}

impl From<coordinators::StartError> for StartError {
    /// In a box, so that all the other results do not carry its size.
    fn from(error: coordinators::StartError) -> Self {
        Self::Coordinators(Box::new(error))
    }
}

/// A part can't be killed, restarted, paused or resumed.
#[derive(Debug, thiserror::Error)]
pub enum PartError {
    /// There is no such instance.
    #[error("{part} is not there: {count} of it run")]
    NoInstance {
        /// What was asked for.
        part: Part,
        /// How many instances there are.
        count: usize,
    },
    /// A coordinator that waits for others.
    #[error(
        "{part} runs, and waits for others: it takes a majority, and {running} of {count} coordinators run. `./plumbline \
         restart coordinator` starts all of them."
    )]
    NoMajority {
        /// Which.
        part: Part,
        /// How many have a process.
        running: usize,
        /// How many there are.
        count: usize,
    },
    /// A server can't be.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// It was spawned, and did not become ready.
    #[error(transparent)]
    NotReady(#[from] NotReady),
}

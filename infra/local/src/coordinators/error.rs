//! Why a cluster did not start.

use std::{io, path::PathBuf};

use super::config::VARIABLE;
use crate::{
    ports::Taken,
    process::SpawnError,
    servers::{self, NotReady},
};

/// There is no program to run as coordinator.
#[derive(Debug, thiserror::Error)]
#[error("the program {} is missing; `cargo build -p coordinator` makes it, and {VARIABLE} names another", .built.display())]
pub struct NoProgram {
    /// Where it would have been built to.
    pub built: PathBuf,
}

/// The cluster, or a member, did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is no program.
    #[error(transparent)]
    NoProgram(#[from] NoProgram),
    /// The folder can't be used.
    #[error(transparent)]
    Site(#[from] servers::StartError),
    /// A member's folder can't be made.
    #[error("{} can't be made: {source}", .folder.display())]
    Folder {
        /// Which.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A member's port is in use.
    #[error("{part} can't start: {taken}. --port-offset N moves all ports")]
    Port {
        /// Which member.
        part: String,
        /// Which port, and who has it.
        taken: Taken,
    },
    /// No port is free.
    #[error("no port is free: {0}")]
    NoPort(#[source] io::Error),
    /// The port would be above 65,535.
    #[error("{part} has no port with the offset {offset}: ports end at 65535")]
    Offset {
        /// Which member.
        part: String,
        /// The offset.
        offset: u16,
    },
    /// A process could not be made.
    #[error(transparent)]
    Spawn(#[from] SpawnError),
    /// A member ended or is not healthy.
    #[error(transparent)]
    NotReady(#[from] NotReady),
}

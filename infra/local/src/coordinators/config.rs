//! Which cluster to start.

use std::{
    env,
    path::{Path, PathBuf},
};

use super::error::NoProgram;
use crate::{
    home,
    servers::{Data, Ports},
};

/// The environment variable that names another program to run as coordinator: any server with etcd's flags. With it the
/// same shop, and the same tests, run on etcd itself.
pub const VARIABLE: &str = "PLUMBLINE_COORDINATOR";
/// The program that is run otherwise, from the folder that this process's own was built into.
pub const PROGRAM: &str = "plumbline-coordinator";

/// Which cluster to start, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The server's program.
    pub program: PathBuf,
    /// How many members: 1, or 3 where some are to be lost.
    pub members: u16,
    /// Where they listen. Fixed ports are 8091 to 8093 for the clients of the first three members, and 8094 to 8096 for
    /// their peers; the next three's are six above.
    pub ports: Ports,
    /// Where they keep their data.
    pub data: Data,
}

impl Config {
    /// A cluster for a test: free ports, and nothing left.
    ///
    /// # Errors
    /// There is no program to run.
    pub fn test(members: u16) -> Result<Self, NoProgram> {
        Ok(Self { program: program(&home::programs())?, members, ports: Ports::Free, data: Data::Temporary })
    }
}

/// The program that [`VARIABLE`] names, or [`PROGRAM`] from a folder.
pub(crate) fn program(folder: &Path) -> Result<PathBuf, NoProgram> {
    if let Some(given) = env::var_os(VARIABLE).filter(|given| !given.is_empty()) {
        return Ok(given.into());
    }
    let built = folder.join(PROGRAM);
    if built.is_file() { Ok(built) } else { Err(NoProgram { built }) }
}

//! Why something could not be installed.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::programs::Missing;
use crate::{account::NoAccount, process::SpawnError, servers::NotReady, units::Mib};

/// Kafka, or the template of a database cluster, could not be made.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// Packages of the system are missing.
    #[error("{}", listed(.0))]
    Missing(Vec<Missing>),
    /// There is no account to run servers as.
    #[error(transparent)]
    Account(#[from] NoAccount),
    /// The cache folder, or what is in it, can't be used.
    #[error("{} can't be used: {source}", .path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The disk is full.
    #[error("{} has {} left, and {} are needed; PLUMBLINE_CACHE names another place", .folder.display(), Mib(*free), Mib(*needed))]
    NoSpace {
        /// Where.
        folder: PathBuf,
        /// Bytes that are free.
        free: u64,
        /// Bytes that are needed.
        needed: u64,
    },
    /// Maven did not gather Kafka's jars.
    #[error("Kafka's jars are not installed, and Maven can't gather them, which needs the Internet once: {0}")]
    Maven(#[source] io::Error),
    /// A program that prepares data failed.
    #[error("{what} can't be prepared: {source}")]
    Prepare {
        /// What.
        what: &'static str,
        /// Why.
        source: io::Error,
    },
    /// No port is free for Kafka's first run.
    #[error("no port is free: {0}")]
    Port(#[source] io::Error),
    /// Kafka's first run could not be started.
    #[error(transparent)]
    Spawn(#[from] SpawnError),
    /// Kafka's first run failed.
    #[error(transparent)]
    NotReady(#[from] NotReady),
    /// The task that does the work was ended.
    #[error("the installation was interrupted")]
    Interrupted,
}

impl InstallError {
    pub(super) fn folder(path: &Path, source: io::Error) -> Self {
        Self::Folder { path: path.to_owned(), source }
    }
}

fn listed(missing: &[Missing]) -> String {
    let lines: Vec<String> = missing.iter().map(Missing::to_string).collect();
    let packages: Vec<&str> = missing.iter().map(Missing::package).collect();
    format!("{}. To install: apt-get install {}", lines.join("; "), packages.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_missing_is_told_at_once() {
        let program = |program, package| Missing::Program { program, package };
        let error = InstallError::Missing(vec![program("postgres", "postgresql"), program("mvn", "maven")]);
        let text = error.to_string();
        assert!(text.contains("postgres is missing") && text.ends_with("apt-get install postgresql maven"), "{text}");
    }
}

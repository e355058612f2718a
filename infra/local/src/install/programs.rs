//! The programs of the system that are needed.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
};

use super::java;
use crate::servers::Server;

/// Where Debian puts PostgreSQL's programs: a folder a version, none of them on the `PATH`.
const DEBIAN_POSTGRES: &str = "/usr/lib/postgresql";
/// Searched after the `PATH`, which for users often lacks the second.
const USUAL: &str = "/usr/bin:/usr/sbin:/usr/local/bin:/usr/local/sbin";

/// Something that has to be installed first.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// A program is not there.
    #[error("{program} is missing (Debian package {package})")]
    Program {
        /// The program.
        program: &'static str,
        /// The Debian package that has it.
        package: &'static str,
    },
    /// Java is there, and too old.
    #[error("{} is version {found}, and Kafka needs {needed} or later (Debian package {package})", .program.display())]
    JavaTooOld {
        /// Which Java.
        program: PathBuf,
        /// Its version.
        found: String,
        /// The version that is needed.
        needed: u32,
        /// The Debian package that has it.
        package: &'static str,
    },
}

impl Missing {
    /// The Debian package to install.
    pub fn package(&self) -> &'static str {
        match self {
            Self::Program { package, .. } | Self::JavaTooOld { package, .. } => package,
        }
    }
}

/// Where the programs of the system are.
#[derive(Debug, Clone)]
pub(crate) struct Programs {
    /// The folder of PostgreSQL's programs.
    pub(crate) postgres: PathBuf,
    pub(crate) redis: PathBuf,
    pub(crate) memcached: PathBuf,
    pub(crate) java: java::Java,
    /// Gathers Kafka's jars; not needed once they are there.
    pub(crate) maven: PathBuf,
}

/// What is missing on this system to start all servers, Maven included when Kafka is not installed yet.
pub fn missing() -> Vec<Missing> {
    Programs::find(&Server::USUAL.into_iter().collect()).err().unwrap_or_default()
}

impl Programs {
    /// The programs that these servers need, or all that is missing of them. What others need is left empty.
    pub(crate) fn find(servers: &BTreeSet<Server>) -> Result<Self, Vec<Missing>> {
        let mut missing = Vec::new();
        let mut find = |server, program, package, found: Option<PathBuf>| match found {
            Some(found) => found,
            None => {
                if servers.contains(&server) {
                    missing.push(Missing::Program { program, package });
                }
                PathBuf::new()
            }
        };
        let postgres = find(Server::Postgres, "postgres", "postgresql", postgres());
        let redis = find(Server::Redis, "redis-server", "redis-server", search("redis-server"));
        let memcached = find(Server::Memcached, "memcached", "memcached", search("memcached"));
        let gathered = super::kafka::is_gathered();
        let maven = search("mvn").or_else(|| gathered.then(PathBuf::new));
        let maven = find(Server::Kafka, "mvn", "maven", maven);
        let java = java::find().unwrap_or_else(|fault| {
            missing.extend(servers.contains(&Server::Kafka).then_some(fault));
            java::Java::default()
        });
        if missing.is_empty() { Ok(Self { postgres, redis, memcached, java, maven }) } else { Err(missing) }
    }
}

/// A program on the `PATH` or in the usual folders.
pub(super) fn search(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(env::split_paths(USUAL).collect::<Vec<_>>());
    folders.map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// The folder of the newest PostgreSQL.
fn postgres() -> Option<PathBuf> {
    newest(Path::new(DEBIAN_POSTGRES))
        .or_else(|| search("postgres").and_then(|program| Some(program.canonicalize().ok()?.parent()?.to_owned())))
}

fn newest(versions: &Path) -> Option<PathBuf> {
    let folders = fs::read_dir(versions).ok()?.flatten();
    let numbered = folders.filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path())));
    let usable = numbered.map(|(version, path)| (version, path.join("bin")));
    usable.filter(|(_, bin)| bin.join("postgres").is_file()).max().map(|(_, bin)| bin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_postgres_that_has_a_server_is_taken() {
        let dir = tempfile::tempdir().unwrap();
        for (version, server) in [("9", true), ("15", true), ("17", false), ("common", true)] {
            let bin = dir.path().join(version).join("bin");
            fs::create_dir_all(&bin).unwrap();
            if server {
                fs::write(bin.join("postgres"), "").unwrap();
            }
        }
        assert_eq!(newest(dir.path()), Some(dir.path().join("15/bin")));
        assert_eq!(newest(Path::new("/nowhere/at/all")), None);
    }

    #[test]
    fn what_is_missing_names_its_package() {
        let missing = Missing::Program { program: "redis-server", package: "redis-server" };
        assert_eq!(missing.to_string(), "redis-server is missing (Debian package redis-server)");
        assert_eq!(missing.package(), "redis-server");
    }
}

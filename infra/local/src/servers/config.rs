//! Which servers to start, and how.

use std::{collections::BTreeSet, fmt, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

/// A server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Server {
    /// PostgreSQL.
    Postgres,
    /// A second PostgreSQL, which follows the first by streaming replication and answers reads.
    Replica,
    /// Redis.
    Redis,
    /// memcached.
    Memcached,
    /// Apache Kafka, one node that is broker and controller (KRaft).
    Kafka,
}

impl Server {
    /// Every server, in the order in which they are named; they are stopped in the reverse order.
    pub const ALL: [Self; 5] = [Self::Postgres, Self::Replica, Self::Redis, Self::Memcached, Self::Kafka];
    /// Those that an installation has; the others are started where they are asked for.
    pub const USUAL: [Self; 4] = [Self::Postgres, Self::Redis, Self::Memcached, Self::Kafka];

    /// Its name in commands, logs and folders.
    pub fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Replica => "replica",
            Self::Redis => "redis",
            Self::Memcached => "memcached",
            Self::Kafka => "kafka",
        }
    }

    /// Its port with [`Ports::Fixed`], before the offset.
    pub fn port(self) -> u16 {
        match self {
            Self::Postgres => 15_432,
            Self::Replica => 15_433,
            Self::Redis => 16_379,
            Self::Memcached => 21_211,
            Self::Kafka => 19_092,
        }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Postgres => "PostgreSQL",
            Self::Replica => "PostgreSQL's replica",
            Self::Redis => "Redis",
            Self::Memcached => "memcached",
            Self::Kafka => "Kafka",
        })
    }
}

/// Kafka's controller listens this far above Kafka.
pub(super) const CONTROLLER_ABOVE: u16 = 1;

/// Where the servers keep their data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// In this folder, which is made when missing and stays.
    Persistent(PathBuf),
    /// In a folder of its own below the system's folder for temporary files, removed at the end.
    Temporary,
}

/// Where the servers listen, always on 127.0.0.1 alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ports {
    /// On [`Server::port`] plus an offset, and Kafka's controller one above Kafka.
    Fixed {
        /// Added to every port.
        offset: u16,
    },
    /// On any free ports, which stay theirs, also while a server is down.
    Free,
}

/// Which servers to start, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Which. A replica needs the PostgreSQL that it follows.
    pub set: BTreeSet<Server>,
    /// Where they keep their data.
    pub data: Data,
    /// Where they listen.
    pub ports: Ports,
    /// Whether what they acknowledged survives the machine's end, and whether they are set up for throughput. Without
    /// it they start faster, need less memory, and are for tests.
    pub durable: bool,
}

impl Config {
    /// The usual servers in a folder that stays, on their usual ports, durable.
    pub fn installation(folder: impl Into<PathBuf>, offset: u16) -> Self {
        let data = Data::Persistent(folder.into());
        Self { set: Server::USUAL.into(), data, ports: Ports::Fixed { offset }, durable: true }
    }

    /// These servers, for a test: nothing durable, nothing left.
    pub fn test(set: impl IntoIterator<Item = Server>) -> Self {
        Self { set: set.into_iter().collect(), data: Data::Temporary, ports: Ports::Free, durable: false }
    }
}

/// Something that happened during a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// To which server.
    pub server: Server,
    /// When, from the beginning of the start.
    pub at: Duration,
    /// What.
    pub progress: Progress,
}

/// How far a server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// What it needs is made ready; takes long only the first time, when Kafka is downloaded.
    Preparing,
    /// Its process starts.
    Starting,
    /// It has answered.
    Ready {
        /// The time since `Starting`.
        took: Duration,
    },
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Preparing => f.write_str("preparing"),
            Self::Starting => f.write_str("starting"),
            Self::Ready { took } => write!(f, "ready in {:.1} s", took.as_secs_f64()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_reads_well() {
        assert_eq!(Progress::Ready { took: Duration::from_millis(1_234) }.to_string(), "ready in 1.2 s");
    }
}

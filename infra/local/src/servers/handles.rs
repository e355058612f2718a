//! How servers are reached: addresses and passwords.

mod databases;
mod replica;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use sqlx::postgres::PgConnectOptions;

pub use self::{
    databases::DatabaseError,
    replica::{Replica, Standing},
};
use super::{config::Server, scram};
use crate::secrets::Secrets;

/// The role that may read everything, and change nothing.
pub(super) const AUDITOR: &str = "plumbline_auditor";

/// How the servers of a set are reached. As JSON it holds the key of their passwords: a secret.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Addresses {
    pub(super) postgres: Option<Postgres>,
    #[serde(default)]
    pub(super) replica: Option<Replica>,
    pub(super) redis: Option<Redis>,
    pub(super) memcached: Option<Memcached>,
    pub(super) kafka: Option<Kafka>,
}

/// Asking for a server that was not started is a mistake in the program.
const OF_THE_SET: &str = "the server is of the set that was started";

impl Addresses {
    /// PostgreSQL.
    ///
    /// # Panics
    /// It is not of the set that was started; the same holds for the others.
    pub fn postgres(&self) -> &Postgres {
        self.postgres.as_ref().expect(OF_THE_SET)
    }

    /// PostgreSQL's replica.
    pub fn replica(&self) -> &Replica {
        self.replica.as_ref().expect(OF_THE_SET)
    }

    /// Redis.
    pub fn redis(&self) -> &Redis {
        self.redis.as_ref().expect(OF_THE_SET)
    }

    /// memcached.
    pub fn memcached(&self) -> &Memcached {
        self.memcached.as_ref().expect(OF_THE_SET)
    }

    /// Kafka.
    pub fn kafka(&self) -> &Kafka {
        self.kafka.as_ref().expect(OF_THE_SET)
    }
}

/// How PostgreSQL is reached; where databases are made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Postgres {
    address: SocketAddr,
    socket: Option<PathBuf>,
    secrets: Secrets,
}

impl Postgres {
    pub(super) fn new(address: SocketAddr, socket: Option<PathBuf>, secrets: Secrets) -> Self {
        Self { address, socket, secrets }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The folder of its Unix socket; `None` where that path would be too long for one.
    pub fn socket_folder(&self) -> Option<&Path> {
        self.socket.as_deref()
    }

    /// The URL of a database for a role that [`create_database`](Self::create_database) made. It holds the password.
    pub fn url(&self, database: &str, role: &str) -> String {
        format!("postgres://{role}:{}@{}/{database}", self.password(role), self.address)
    }

    /// The URL of a database for a role that can SELECT from all of its tables, also from those that are made later, and
    /// can change nothing. For audits.
    pub fn read_only_url(&self, database: &str) -> String {
        self.url(database, AUDITOR)
    }

    pub(super) fn password(&self, role: &str) -> String {
        self.secrets.password(&format!("{}/{role}", Server::Postgres.name()))
    }

    /// What PostgreSQL is told of a role's password.
    pub(super) fn verifier(&self, role: &str) -> String {
        scram::verifier(&self.password(role))
    }

    pub(super) fn options(&self, role: &str, database: &str) -> PgConnectOptions {
        let options = PgConnectOptions::new().host(&self.address.ip().to_string()).port(self.address.port());
        options.username(role).password(&self.password(role)).database(database)
    }
}

/// How Redis is reached.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Redis {
    address: SocketAddr,
    secrets: Secrets,
}

impl Redis {
    pub(super) fn new(address: SocketAddr, secrets: Secrets) -> Self {
        Self { address, secrets }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL. It holds the password.
    pub fn url(&self) -> String {
        format!("redis://:{}@{}/0", self.password(), self.address)
    }

    pub(super) fn password(&self) -> String {
        self.secrets.password(Server::Redis.name())
    }
}

/// How memcached is reached.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Memcached {
    address: SocketAddr,
}

impl Memcached {
    pub(super) fn new(address: SocketAddr) -> Self {
        Self { address }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("memcache://{}", self.address)
    }
}

/// How Kafka is reached.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Kafka {
    address: SocketAddr,
}

impl Kafka {
    pub(super) fn new(address: SocketAddr) -> Self {
        Self { address }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What clients call `bootstrap.servers`.
    pub fn bootstrap(&self) -> String {
        self.address.to_string()
    }
}

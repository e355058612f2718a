//! How the command speaks to the shop's supervisor: JSON lines over a Unix socket in the data folder.
//!
//! A caller sends one [`Request`] a connection. The supervisor answers with any number of [`Reply::Progress`] lines and
//! one that ends the answer.

mod client;
mod listener;
mod socket;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use local::{
    servers::Standing,
    shop::{Part, Service, Status, Step},
};
use serde::{Deserialize, Serialize};

pub(crate) use self::{
    client::{ControlError, ask, wait_until_gone},
    listener::{Call, Listener},
};

/// What the supervisor is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "lowercase")]
pub(crate) enum Request {
    /// What runs.
    Status,
    /// SIGKILL to a part, which stays down.
    Kill {
        /// Which.
        part: Part,
    },
    /// A new life for a part.
    Restart {
        /// Which.
        part: Part,
    },
    /// SIGSTOP to a part, which stays where it stands.
    Pause {
        /// Which.
        part: Part,
    },
    /// SIGCONT to a part.
    Resume {
        /// Which.
        part: Part,
    },
    /// So many instances of a service.
    Scale {
        /// Which.
        service: Service,
        /// How many.
        count: u16,
    },
    /// Something of PostgreSQL's replica.
    Replica {
        /// What.
        wish: Wish,
    },
    /// Stop everything in order.
    Stop,
}

/// What is asked of PostgreSQL's replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Wish {
    /// How far it is.
    Show,
    /// To replay nothing.
    Pause,
    /// To replay on.
    Resume,
}

/// What the supervisor answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "lowercase")]
pub(crate) enum Reply {
    /// Something is done, more is under way.
    Progress(Step),
    /// The answer to [`Request::Status`].
    Status(Box<Overview>),
    /// The answer to [`Request::Replica`]: how far it is then.
    Replica(Standing),
    /// What was asked for is done.
    Done,
    /// It can't be done.
    Failed {
        /// Why, and what would mend it.
        reason: String,
    },
}

/// The shop as it is now.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Overview {
    /// The supervisor's process.
    pub(crate) supervisor: u32,
    /// How long it took to come up.
    pub(crate) started_in: Duration,
    /// How long the shop has been up.
    pub(crate) up_for: Duration,
    /// Every part.
    pub(crate) parts: Vec<Status>,
    /// Where it is reached.
    pub(crate) endpoints: Endpoints,
}

/// Where the shop is reached.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Endpoints {
    /// Each service's instances.
    pub(crate) services: Vec<(Service, Vec<SocketAddr>)>,
    /// The coordinators.
    pub(crate) coordinators: Vec<SocketAddr>,
    /// The trace store's page, where there is one.
    pub(crate) traces: Option<SocketAddr>,
    /// Where the operator token stands.
    pub(crate) operator_token: PathBuf,
    /// The URL of Redis. It holds its password.
    pub(crate) redis: String,
    /// The URLs of the other Redis servers, of which Redlock takes most, where there are any. They hold passwords.
    pub(crate) redlock: Vec<String>,
    /// What the audit reads: database URLs of a read-only role. They hold its password.
    pub(crate) audit: AuditSource,
}

/// What the audit reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AuditSource {
    /// The order service's database.
    pub(crate) order_database: String,
    /// The inventory service's database.
    pub(crate) inventory_database: String,
    /// Kafka, for its dead-letter topics.
    pub(crate) kafka: SocketAddr,
}

//! etcd's v3 API, release 3.6, on top of the [`Engine`].
//!
//! Each service checks its requests in the order etcd does, asks the engine, and completes the header. What clients
//! compare (codes, texts, which checks come first) is etcd's; where it was read is said beside it.

mod auth;
mod checks;
mod cluster;
mod context;
mod election;
mod gate;
mod health;
mod kv;
mod lease;
mod lock;
mod maintenance;
mod recipes;
mod routes;
mod snapshot;
mod status;
mod urls;
mod watch;

use std::time::Duration;

use tonic::Status;

pub use self::routes::Routes;
use crate::engine::Engine;

/// What the transport lets pass above the largest request, for what is around it; as in etcd.
const OVERHEAD_BYTES: usize = 512 << 10;

/// How the API behaves where it can be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Watchers that ask for it hear of progress when nothing came for this long, and up to a tenth longer.
    pub watch_progress_interval: Duration,
    /// Seconds a lease lives at least; shorter ones are granted as this. A lease must outlive an election.
    pub min_lease_ttl: i64,
}

impl Default for Options {
    fn default() -> Self {
        Self { watch_progress_interval: Duration::from_secs(600), min_lease_ttl: 2 }
    }
}

/// The services of the API. Has to be called within the runtime: a task that feeds the watches is started.
#[must_use]
pub fn routes(engine: Engine, options: Options) -> Routes {
    let max_bytes = engine.limits().max_request_bytes + OVERHEAD_BYTES;
    Routes::new(context::Context::new(engine, options), max_bytes)
}

/// The state machine answered another question than it was asked.
fn unexpected_outcome() -> Status {
    Status::internal("the state machine's answer doesn't fit the request")
}

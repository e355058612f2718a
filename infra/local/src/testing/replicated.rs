//! A PostgreSQL with a replica, for one test after the other.

use std::{ops::Deref, sync::Mutex};

use super::next;
use crate::servers::{Config, Server, Servers, StartError, State};

/// Those that no test uses at the moment.
static FREE: Mutex<Vec<Servers>> = Mutex::new(Vec::new());

const SET: [Server; 2] = [Server::Postgres, Server::Replica];

/// A PostgreSQL with a replica that follows it, which a test has to itself: it may kill, pause and restart either, and hold
/// the replica back ([`Replica::pause_replay`](crate::servers::Replica::pause_replay)). When it is dropped a later test of
/// this process may have it, unless this one has failed.
#[derive(Debug)]
pub struct ReplicatedPostgres {
    /// Until it is dropped.
    servers: Option<Servers>,
}

impl ReplicatedPostgres {
    /// One that is free, with the replica following; or a new one.
    pub(super) async fn take() -> Result<Self, StartError> {
        while let Some(servers) = pop() {
            if follows(&servers).await {
                return Ok(Self { servers: Some(servers) });
            }
            servers.stop().await;
        }
        Ok(Self { servers: Some(start().await?) })
    }

    /// Makes a fresh database whose name begins with `name`; its URLs at the primary and at the replica.
    ///
    /// # Panics
    /// When PostgreSQL refuses: then no test can go on.
    pub async fn database(&self, name: &str) -> (String, String) {
        let name = format!("{name}_{}", next());
        let made = self.postgres().create_database(&name, &name).await;
        let primary = made.unwrap_or_else(|error| panic!("a test's database could not be made: {error}"));
        (primary, self.replica().url(&name, &name))
    }
}

impl Deref for ReplicatedPostgres {
    type Target = Servers;

    fn deref(&self) -> &Servers {
        self.servers.as_ref().expect("it is taken out only when this is dropped")
    }
}

impl Drop for ReplicatedPostgres {
    fn drop(&mut self) {
        let servers = self.servers.take();
        if !std::thread::panicking() {
            free().extend(servers);
        }
    }
}

pub(super) async fn start() -> Result<Servers, StartError> {
    Servers::start(Config::test(SET), |_| {}).await
}

fn free() -> std::sync::MutexGuard<'static, Vec<Servers>> {
    FREE.lock().expect("nothing panics while it holds the lock")
}

fn pop() -> Option<Servers> {
    free().pop()
}

/// Whether both run, as a test has left them, and the replica replays again.
async fn follows(servers: &Servers) -> bool {
    let runs = |server| matches!(servers.state(server), Some(State::Running { .. })) && servers.resume(server).is_ok();
    SET.into_iter().all(runs) && servers.replica().resume_replay().await.is_ok()
}

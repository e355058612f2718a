//! The servers below the services, kept running as services are.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use tokio::{task::JoinHandle, time};

use super::{
    backoff::Backoff,
    config::Config,
    error::{PartError, StartError},
    launch::{Secrets, Surroundings},
    part::{self, Part, Status},
    step::{Action, Observer, Step},
};
use crate::servers::{self, Ground, Ports, Progress, Replica, Server, Servers};

/// How often it is looked whether a server has ended by itself.
const LOOK: Duration = Duration::from_millis(100);
/// The role that the order service's database belongs to, and its name.
const ORDER: &str = "plumbline_order";
/// The role that the inventory service's database belongs to, and its name.
const INVENTORY: &str = "plumbline_inventory";

/// What the audit reads, as a role that can change nothing.
#[derive(Debug, Clone)]
pub struct AuditSource {
    /// URL of the order service's database, with its password.
    pub order_database: String,
    /// URL of the inventory service's database, with its password.
    pub inventory_database: String,
    /// Kafka.
    pub kafka: SocketAddr,
}

/// The servers, and the task that restarts what ends by itself.
#[derive(Debug)]
pub(super) struct Engines {
    kept: Arc<Kept>,
    keeper: Keeping,
}

#[derive(Debug)]
struct Kept {
    servers: Servers,
    lives: Mutex<BTreeMap<Server, Life>>,
}

/// What is known of a server besides its process.
#[derive(Debug)]
struct Life {
    /// Somebody brought it down, or is about to bring it up: it is not to be restarted meanwhile.
    by_hand: bool,
    /// What it does when that is not what its process does: it was killed, or paused, by hand.
    told: Option<part::State>,
    since: Instant,
    crashes: u32,
    last_crash: String,
    backoff: Backoff,
    /// When it is restarted.
    due: Option<Instant>,
}

impl Life {
    fn new() -> Self {
        let (backoff, last_crash) = (Backoff::default(), String::new());
        Self { by_hand: false, told: None, since: Instant::now(), crashes: 0, last_crash, backoff, due: None }
    }
}

impl Engines {
    /// Finds every server's programs, and takes the data folder.
    pub(super) fn ground(config: &Config) -> Result<Ground, servers::StartError> {
        Ground::take(&wanted(config))
    }

    /// Starts every server; each is told to the observer when it answers.
    pub(super) async fn start(ground: Ground, config: &Config, observer: &Observer) -> Result<Self, StartError> {
        let tell = |step: servers::Step| {
            if let Progress::Ready { took } = step.progress {
                let (part, detail) = (step.server.name().to_owned(), usual_address(config.ports, step.server));
                observer(Step { part, action: Action::Ready, took, detail });
            }
        };
        let servers = Servers::start_on(ground, wanted(config), tell).await?;
        let lives = Mutex::new(servers.set().map(|server| (server, Life::new())).collect());
        let kept = Arc::new(Kept { servers, lives });
        let keeper = Keeping(tokio::spawn(Arc::clone(&kept).keep()));
        Ok(Self { kept, keeper })
    }

    /// What services reach; their databases are made when they are missing.
    pub(super) async fn surroundings(
        &self,
        coordinators: Vec<String>,
        spans: Option<String>,
        secrets: Secrets,
    ) -> Result<Surroundings, StartError> {
        let postgres = self.kept.servers.postgres();
        let replica = |database| self.replica().map(|replica| replica.url(database, database));
        Ok(Surroundings {
            order_database: postgres.create_database(ORDER, ORDER).await?,
            order_replica: replica(ORDER),
            inventory_database: postgres.create_database(INVENTORY, INVENTORY).await?,
            inventory_replica: replica(INVENTORY),
            kafka: self.kept.servers.kafka().address(),
            memcached: self.kept.servers.memcached().address(),
            redis: self.kept.servers.redis().url(),
            redlock: Vec::new(),
            coordinators,
            spans,
            secrets,
            logs: self.logs(),
        })
    }

    pub(super) fn audit_source(&self) -> AuditSource {
        let postgres = self.kept.servers.postgres();
        AuditSource {
            order_database: postgres.read_only_url(ORDER),
            inventory_database: postgres.read_only_url(INVENTORY),
            kafka: self.kept.servers.kafka().address(),
        }
    }

    /// PostgreSQL's replica, where there is one.
    pub(super) fn replica(&self) -> Option<&Replica> {
        self.kept.servers.state(Server::Replica).map(|_| self.kept.servers.replica())
    }

    pub(super) fn redis_url(&self) -> String {
        self.kept.servers.redis().url()
    }

    /// Where all logs stand.
    fn logs(&self) -> PathBuf {
        let log = self.kept.servers.log(Server::Postgres);
        log.parent().expect("a log stands in the folder of logs").to_owned()
    }

    /// The data folder.
    pub(super) fn folder(&self) -> PathBuf {
        self.logs().parent().expect("the folder of logs stands in the data folder").to_owned()
    }

    pub(super) fn status(&self) -> Vec<Status> {
        self.kept.servers.set().map(|server| self.kept.status(server)).collect()
    }

    pub(super) fn crashes(&self, server: Server) -> u32 {
        self.kept.change(server, |life| life.crashes).unwrap_or(0)
    }

    pub(super) async fn kill(&self, server: Server) -> Result<(), PartError> {
        self.kept.by_hand(server, Some(part::State::Killed));
        Ok(self.kept.servers.kill(server).await?)
    }

    pub(super) async fn restart(&self, server: Server) -> Result<(), PartError> {
        self.kept.by_hand(server, None);
        let restarted = self.kept.servers.restart(server).await;
        self.kept.change(server, |life| life.by_hand = false);
        Ok(restarted?)
    }

    pub(super) fn pause(&self, server: Server) -> Result<(), PartError> {
        self.kept.change(server, |life| (life.told, life.since) = (Some(part::State::Paused), Instant::now()));
        Ok(self.kept.servers.pause(server)?)
    }

    pub(super) fn resume(&self, server: Server) -> Result<(), PartError> {
        self.kept.change(server, |life| (life.told, life.since) = (None, Instant::now()));
        Ok(self.kept.servers.resume(server)?)
    }

    /// Stops the servers in order.
    pub(super) async fn stop(self) {
        let Self { kept, keeper } = self;
        keeper.end().await;
        if let Some(kept) = Arc::into_inner(kept) {
            kept.servers.stop().await;
        }
    }
}

fn wanted(config: &Config) -> servers::Config {
    let (data, ports, durable) = (config.data.clone(), config.ports, config.durable);
    let replica = config.replica.then_some(Server::Replica);
    servers::Config { set: Server::USUAL.into_iter().chain(replica).collect(), data, ports, durable }
}

/// The task that keeps the servers running, which ends with this.
#[derive(Debug)]
struct Keeping(JoinHandle<()>);

impl Keeping {
    async fn end(mut self) {
        self.0.abort();
        // It was aborted: there is nothing else to learn.
        let _ = (&mut self.0).await;
    }
}

impl Drop for Keeping {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn usual_address(ports: Ports, server: Server) -> String {
    match ports {
        Ports::Fixed { offset } => format!("127.0.0.1:{}", server.port().saturating_add(offset)),
        Ports::Free => String::new(),
    }
}

impl Kept {
    /// Restarts what ends by itself, for ever.
    async fn keep(self: Arc<Self>) {
        loop {
            time::sleep(LOOK).await;
            for server in Server::ALL {
                if self.is_due(server)
                    && let Err(error) = self.servers.restart(server).await
                {
                    tracing::warn!(%server, %error, "did not come back");
                    self.change(server, |life| life.last_crash = error.to_string());
                }
            }
        }
    }

    /// Whether a server has ended by itself and has waited long enough for its next life.
    fn is_due(&self, server: Server) -> bool {
        let Some(servers::State::Ended(exit)) = self.servers.state(server) else { return false };
        self.change(server, |life| match life.due {
            _ if life.by_hand => false,
            None => {
                tracing::warn!(%server, %exit, "ended by itself");
                let wait = life.backoff.after(life.since.elapsed());
                life.crashes += 1;
                life.last_crash = exit.to_string();
                (life.told, life.since) = (Some(part::State::Waiting), Instant::now());
                life.due = Some(Instant::now() + wait);
                false
            }
            Some(due) if Instant::now() < due => false,
            Some(_) => {
                (life.told, life.since, life.due) = (None, Instant::now(), None);
                true
            }
        })
        .unwrap_or(false)
    }

    fn by_hand(&self, server: Server, told: Option<part::State>) {
        self.change(server, |life| {
            (life.by_hand, life.told, life.due, life.since) = (true, told, None, Instant::now());
        });
    }

    fn change<T>(&self, server: Server, change: impl FnOnce(&mut Life) -> T) -> Option<T> {
        self.lives.lock().expect("nothing panics while it holds the lock").get_mut(&server).map(change)
    }

    fn status(&self, server: Server) -> Status {
        let state = self.servers.state(server);
        let pid = match state {
            Some(servers::State::Running { pid, .. }) => Some(pid),
            Some(servers::State::Ended(_)) | None => None,
        };
        let running = if pid.is_some() { part::State::Ready } else { part::State::Waiting };
        let life = |life: &mut Life| (life.told.unwrap_or(running), life.since, life.crashes, life.last_crash.clone());
        let (state, since, crashes, detail) =
            self.change(server, life).unwrap_or((running, Instant::now(), 0, String::new()));
        Status {
            part: Part::Server(server),
            state,
            detail,
            address: self.address(server),
            pid,
            since: since.elapsed(),
            crashes,
            log: self.servers.log(server),
        }
    }

    fn address(&self, server: Server) -> SocketAddr {
        match server {
            Server::Postgres => self.servers.postgres().address(),
            Server::Replica => self.servers.replica().address(),
            Server::Redis => self.servers.redis().address(),
            Server::Memcached => self.servers.memcached().address(),
            Server::Kafka => self.servers.kafka().address(),
        }
    }
}

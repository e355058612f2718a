//! A set of servers that runs.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    process::ExitStatus,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use futures::future;
use tokio::sync::watch;

use super::{
    config::{Config, Data, Progress, Server, Step},
    error::{ServerError, StartError},
    ground::Ground,
    handles::{Addresses, Kafka, Memcached, Postgres, Redis, Replica},
    launch::{BOUND, Engine, Setting},
    site::Site,
};
use crate::{process::Process, secrets::Secrets};

/// How long a server may take to stop before it is killed: PostgreSQL and Kafka write down what they hold.
const STOP: Duration = Duration::from_secs(20);

/// A private set of running servers.
///
/// Dropped, or when this process ends in whatever way, the servers are killed, and a temporary folder is removed.
#[derive(Debug)]
pub struct Servers {
    // In this order, so that processes end before the site does, which waits for it.
    members: BTreeMap<Server, Member>,
    addresses: Addresses,
    site: Arc<Site>,
}

#[derive(Debug)]
struct Member {
    engine: Arc<Engine>,
    process: Mutex<Arc<Process>>,
    /// Held by who restarts it.
    starting: tokio::sync::Mutex<()>,
}

/// What a server does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It runs, or is paused.
    Running {
        /// The number of its process.
        pid: u32,
        /// How long it has been running.
        age: Duration,
    },
    /// It has ended.
    Ended(ExitStatus),
}

impl Servers {
    /// Starts servers, all at once, and returns when each has truly answered. `observer` is told each step as it happens.
    ///
    /// The first start of all on a machine also installs Kafka (see [`install::kafka`](crate::install::kafka)) and makes
    /// a database cluster to copy.
    ///
    /// # Errors
    /// Something is missing, in use, full or closed, or a server fails; nothing is left running then.
    pub async fn start(config: Config, observer: impl Fn(Step)) -> Result<Self, StartError> {
        Self::start_on(Ground::take(&config)?, config, observer).await
    }

    /// The same on ground that was taken before.
    pub(crate) async fn start_on(ground: Ground, config: Config, observer: impl Fn(Step)) -> Result<Self, StartError> {
        let begun = Instant::now();
        let Ground { programs, account, site } = ground;
        let key = site.key();
        let secrets = Secrets::load_or_generate(&key).map_err(|source| StartError::folder(&key, source))?;
        let setting = Setting { config: &config, programs: &programs, account: account.as_ref(), secrets: &secrets };

        if config.set.contains(&Server::Replica) && !config.set.contains(&Server::Postgres) {
            return Err(StartError::NothingToFollow);
        }
        // Where the primary will be is known before it is there, and a replica can wait for it then.
        let (told, primary) = watch::channel(None);

        let start = async |server: Server| {
            let tell = |progress| observer(Step { server, at: begun.elapsed(), progress });
            tell(Progress::Preparing);
            let primary = match server {
                Server::Replica => primary.clone().wait_for(Option::is_some).await.ok().and_then(|told| told.clone()),
                _ => None,
            };
            let engine = Arc::new(Engine::make(server, &setting, primary).await?);
            if let Engine::Postgres(postgres) = &*engine {
                told.send_if_modified(|told| {
                    server == Server::Postgres && told.replace(postgres.handle(&site)).is_none()
                });
            }
            tell(Progress::Starting);
            let (process, took) = engine.start(&site, BOUND).await.map_err(StartError::from)?;
            tell(Progress::Ready { took });
            let process = Mutex::new(Arc::new(process));
            Ok::<_, StartError>((server, Member { engine, process, starting: tokio::sync::Mutex::default() }))
        };
        let members = future::try_join_all(config.set.iter().map(|server| start(*server))).await?;
        let mut addresses = Addresses::default();
        members.iter().for_each(|(_, member)| member.engine.announce(&site, &mut addresses));
        forget_the_replica(&config, &addresses).await;
        Ok(Self { members: members.into_iter().collect(), addresses, site })
    }

    /// Kills (SIGKILL) a server with all its processes, as a crash would; returns when it is gone.
    ///
    /// # Errors
    /// It is not of this set; the same holds for pausing and resuming.
    pub async fn kill(&self, server: Server) -> Result<(), ServerError> {
        let process = self.process(server)?;
        process.kill();
        process.wait_exit().await;
        Ok(())
    }

    /// Starts a server again, on the same data and port; stops it first if it runs. Returns when it has answered.
    ///
    /// # Errors
    /// It is not of this set, or fails to start.
    pub async fn restart(&self, server: Server) -> Result<(), ServerError> {
        let member = self.member(server)?;
        let _one = member.starting.lock().await;
        member.process().stop(STOP).await;
        let (process, took) = member.engine.start(&self.site, Duration::ZERO).await?;
        tracing::info!(%server, ?took, "server restarted");
        *member.process.lock().expect("nothing panics while it holds the lock") = Arc::new(process);
        Ok(())
    }

    /// Stops (SIGSTOP) all processes of a server where they stand: connections stay open, nothing is answered.
    ///
    /// # Errors
    /// It is not of this set.
    pub fn pause(&self, server: Server) -> Result<(), ServerError> {
        self.process(server).map(|process| process.pause())
    }

    /// Lets a paused server run on.
    ///
    /// # Errors
    /// It is not of this set.
    pub fn resume(&self, server: Server) -> Result<(), ServerError> {
        self.process(server).map(|process| process.resume())
    }

    /// The servers of this set, in the order of [`Server::ALL`].
    pub fn set(&self) -> impl Iterator<Item = Server> {
        self.members.keys().copied()
    }

    /// What a server does; `None` if it is not of this set.
    pub fn state(&self, server: Server) -> Option<State> {
        let process = self.process(server).ok()?;
        let running = State::Running { pid: process.pid(), age: process.age() };
        Some(process.exit().map_or(running, State::Ended))
    }

    /// The log file of a server.
    pub fn log(&self, server: Server) -> PathBuf {
        self.site.log(server)
    }

    /// Waits until any server ends, other than by [`stop`](Self::stop), and returns which, and how.
    pub async fn wait_any_exit(&self) -> (Server, ExitStatus) {
        let exits = self.members.iter().map(|(server, member)| {
            let process = member.process();
            Box::pin(async move { (*server, process.wait_exit().await) })
        });
        future::select_all(exits).await.0
    }

    /// PostgreSQL.
    ///
    /// # Panics
    /// It is not of the set that was started; the same holds for the others.
    pub fn postgres(&self) -> &Postgres {
        self.addresses.postgres()
    }

    /// PostgreSQL's replica.
    pub fn replica(&self) -> &Replica {
        self.addresses.replica()
    }

    /// Redis.
    pub fn redis(&self) -> &Redis {
        self.addresses.redis()
    }

    /// memcached.
    pub fn memcached(&self) -> &Memcached {
        self.addresses.memcached()
    }

    /// Kafka.
    pub fn kafka(&self) -> &Kafka {
        self.addresses.kafka()
    }

    /// How the servers are reached, to keep or to hand on.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Stops the servers in order, Kafka first and PostgreSQL last, and removes a temporary folder.
    pub async fn stop(self) {
        for (server, member) in self.members.iter().rev() {
            let exit = member.process().stop(STOP).await;
            tracing::debug!(%server, %exit, "server stopped");
        }
    }

    fn member(&self, server: Server) -> Result<&Member, ServerError> {
        self.members.get(&server).ok_or(ServerError::Absent(server))
    }

    fn process(&self, server: Server) -> Result<Arc<Process>, ServerError> {
        self.member(server).map(Member::process)
    }
}

/// Of a set without a replica whose data stay: one that it had before would have logs kept for it.
async fn forget_the_replica(config: &Config, addresses: &Addresses) {
    let without = config.set.contains(&Server::Postgres) && !config.set.contains(&Server::Replica);
    if without
        && matches!(config.data, Data::Persistent(_))
        && let Err(error) = addresses.postgres().forget_replica().await
    {
        tracing::warn!(%error, "logs are kept for a replica that is there no more");
    }
}

impl Member {
    fn process(&self) -> Arc<Process> {
        Arc::clone(&self.process.lock().expect("nothing panics while it holds the lock"))
    }
}

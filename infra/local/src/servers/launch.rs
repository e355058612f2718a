//! One server of a set: what it is started from, and starting it.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    broker::{Broker, ClassData},
    config::{CONTROLLER_ABOVE, Config, Ports, Server},
    error::{NotReady, ServerError, StartError},
    handles::{self, Addresses},
    memcached::Memcached,
    postgres::{Origin, Postgres},
    ready,
    redis::Redis,
    site::Site,
};
use crate::{
    account::Account,
    install::{self, InstallError, Programs, Template},
    ports::Lease,
    process::{Process, Spec},
    secrets::Secrets,
};

/// How long a server may take to answer: on a loaded machine, or after a crash that it recovers from.
pub(super) const BOUND: Duration = Duration::from_secs(60);

/// A server to start, any number of times, always on the same data and ports.
#[derive(Debug)]
pub(super) enum Engine {
    Postgres(Postgres),
    Redis(Redis),
    Memcached(Memcached),
    Kafka(Box<Broker>),
}

impl Engine {
    /// Takes the server's ports, and installs what is missing of it. A replica follows `primary`.
    pub(super) async fn make(
        server: Server,
        setting: &Setting<'_>,
        primary: Option<handles::Postgres>,
    ) -> Result<Self, StartError> {
        let Setting { config, programs, account, secrets } = setting;
        let port = setting.lease(server, 0)?;
        let durable = config.durable;
        Ok(match server {
            Server::Postgres => {
                let (bin, account) = (programs.postgres.clone(), account.cloned());
                let prepare = move || Template::prepare(&bin, account.as_ref());
                let template = tokio::task::spawn_blocking(prepare).await.map_err(|_| InstallError::Interrupted)??;
                let (programs, secrets) = (programs.postgres.clone(), (*secrets).clone());
                Self::Postgres(Postgres { programs, origin: Origin::Template(template), port, secrets, durable })
            }
            Server::Replica => {
                let (programs, secrets) = (programs.postgres.clone(), (*secrets).clone());
                let origin = Origin::Primary(primary.ok_or(StartError::NothingToFollow)?);
                Self::Postgres(Postgres { programs, origin, port, secrets, durable })
            }
            Server::Redis => {
                let (program, secrets) = (programs.redis.clone(), (*secrets).clone());
                Self::Redis(Redis { program, port, secrets, durable })
            }
            Server::Memcached => Self::Memcached(Memcached { program: programs.memcached.clone(), port }),
            Server::Kafka => {
                let kafka = install::install_kafka(programs, *account).await?;
                let (java, controller_port) = (programs.java.program.clone(), setting.lease(server, CONTROLLER_ABOVE)?);
                let class_data = ClassData::Use;
                Self::Kafka(Box::new(Broker { java, kafka, port, controller_port, class_data, quick: !durable }))
            }
        })
    }

    pub(super) fn server(&self) -> Server {
        match self {
            Self::Postgres(postgres) => postgres.server(),
            Self::Redis(_) => Server::Redis,
            Self::Memcached(_) => Server::Memcached,
            Self::Kafka(_) => Server::Kafka,
        }
    }

    /// Starts it and waits until it answers; how long that took. A replica waits `patience` for what it follows.
    pub(super) async fn start(
        self: &Arc<Self>,
        site: &Arc<Site>,
        patience: Duration,
    ) -> Result<(Process, Duration), ServerError> {
        let begun = Instant::now();
        let followed = self.follow(site, patience).await;
        followed.map_err(|source| ServerError::Prepare { server: self.server(), source })?;
        let prepared = {
            let (engine, site) = (Arc::clone(self), Arc::clone(site));
            tokio::task::spawn_blocking(move || engine.prepare(&site)).await
        };
        let failed = |source| ServerError::Prepare { server: self.server(), source };
        prepared.map_err(|ended| failed(io::Error::other(ended)))?.map_err(failed)?;
        let process = Process::spawn(self.spec(site), &site.lifeline)?;
        self.wait(&process, site).await?;
        Ok((process, begun.elapsed()))
    }

    /// Before a replica is prepared: sees to it that there is something to follow.
    async fn follow(&self, site: &Site, patience: Duration) -> io::Result<()> {
        if let Self::Postgres(postgres) = self { postgres.follow(site, patience).await } else { Ok(()) }
    }

    fn prepare(&self, site: &Site) -> io::Result<()> {
        match self {
            Self::Postgres(postgres) => postgres.prepare(site),
            Self::Redis(redis) => redis.prepare(site),
            Self::Memcached(_) => Ok(()),
            Self::Kafka(broker) => broker.prepare(site),
        }
    }

    fn spec(&self, site: &Site) -> Spec {
        match self {
            Self::Postgres(postgres) => postgres.spec(site),
            Self::Redis(redis) => redis.spec(site),
            Self::Memcached(memcached) => memcached.spec(site),
            Self::Kafka(broker) => broker.spec(site),
        }
    }

    async fn wait(&self, process: &Process, site: &Site) -> Result<(), NotReady> {
        match self {
            Self::Postgres(postgres) => ready::wait(process, BOUND, || postgres.answers(site)).await,
            Self::Redis(redis) => ready::wait(process, BOUND, || redis.answers()).await,
            Self::Memcached(memcached) => ready::wait(process, BOUND, || memcached.answers()).await,
            Self::Kafka(broker) => ready::wait(process, BOUND, || broker.answers()).await,
        }
    }

    /// Adds how it is reached.
    pub(super) fn announce(&self, site: &Site, addresses: &mut Addresses) {
        match self {
            Self::Postgres(postgres) => match &postgres.origin {
                Origin::Template(_) => addresses.postgres = Some(postgres.handle(site)),
                Origin::Primary(primary) => {
                    addresses.replica = Some(handles::Replica::new(primary.clone(), postgres.handle(site)));
                }
            },
            Self::Redis(redis) => addresses.redis = Some(redis.handle()),
            Self::Memcached(memcached) => addresses.memcached = Some(memcached.handle()),
            Self::Kafka(broker) => addresses.kafka = Some(handles::Kafka::new(broker.port.address())),
        }
    }
}

/// What the servers of a set have in common.
#[derive(Debug)]
pub(super) struct Setting<'a> {
    pub(super) config: &'a Config,
    pub(super) programs: &'a Programs,
    pub(super) account: Option<&'a Account>,
    pub(super) secrets: &'a Secrets,
}

impl Setting<'_> {
    fn lease(&self, server: Server, above: u16) -> Result<Lease, StartError> {
        match self.config.ports {
            Ports::Free => Lease::take_any().map_err(StartError::NoPort),
            Ports::Fixed { offset } => {
                let port = (server.port() + above).checked_add(offset).ok_or(StartError::Offset { server, offset })?;
                Lease::take(port).map_err(|taken| StartError::Port { server, taken })
            }
        }
    }
}

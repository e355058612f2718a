//! The whole shop: its servers, and its services on top of them.
//!
//! The services' programs stand beside the running one (`target/release`, or `target/debug` for tests). They are told
//! all they need by environment variables. Whichever way this process ends, nothing of the shop stays behind.

mod backoff;
mod config;
mod engines;
mod error;
mod instance;
mod keeper;
mod launch;
mod part;
mod readiness;
mod step;
mod token;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use futures::future;

pub use self::{
    config::{Config, InstanceEnv},
    engines::AuditSource,
    error::{NotReady, PartError, StartError},
    part::{MAX_INSTANCES, Part, Service, State, Status, UnknownPart},
    step::{Action, Observer, Step},
    token::TokenError,
};
use self::{engines::Engines, instance::Instance};
use crate::{
    ports::Lease,
    process::{Ending, Lifeline},
    servers::Ports,
};

/// Where the operator token stands in the data folder.
const TOKEN_FILE: &str = "operator-token";

/// An instance: its service, and which of it, from 1.
type Which = (Service, u16);

/// A running shop. Dropping it kills everything; [`Shop::stop`] ends it in order.
#[derive(Debug)]
pub struct Shop {
    // Dropped first: services do not outlive what they use.
    instances: Vec<Instance>,
    engines: Engines,
    _lifeline: Arc<Lifeline>,
    token_file: PathBuf,
}

impl Shop {
    /// Starts everything and returns when every part is ready. Each step is told to the observer.
    ///
    /// # Errors
    /// Whatever does not start is named, with the reason and its log. Nothing is left running then.
    pub async fn start(config: Config, observer: Observer) -> Result<Self, StartError> {
        let programs = launch::programs(&config)?;
        let leases = take_ports(&config)?;
        let engines = Engines::start(&config, &observer).await?;
        let token_file = engines.folder().join(TOKEN_FILE);
        let surroundings = engines.surroundings(token::ensure(&token_file)?).await?;
        let lifeline = Arc::new(Lifeline::start(Ending::default())?);
        let start = |(which, lease): (Which, Lease)| {
            let specs = launch::specs(&config, &programs, &surroundings, which, lease.address());
            Instance::start(which, lease, specs, &lifeline).map_err(NotReady::from)
        };
        let instances = leases.into_iter().map(start).collect::<Result<Vec<_>, _>>()?;
        let shop = Self { instances, engines, _lifeline: lifeline, token_file };
        shop.until_ready(&observer).await?;
        Ok(shop)
    }

    async fn until_ready(&self, observer: &Observer) -> Result<(), NotReady> {
        let ready = self.instances.iter().map(async |instance| {
            let took = instance.ready().await?;
            let (part, detail) = (instance.part().to_string(), format!("http://{}", instance.address));
            observer(Step { part, action: Action::Ready, took, detail });
            Ok(())
        });
        future::try_join_all(ready).await.map(drop)
    }

    /// Where the instances of a service listen, in their order.
    pub fn addresses(&self, service: Service) -> Vec<SocketAddr> {
        self.instances.iter().filter(|instance| instance.service == service).map(|instance| instance.address).collect()
    }

    /// The file that holds the operator token.
    pub fn operator_token_file(&self) -> &Path {
        &self.token_file
    }

    /// What the audit reads.
    pub fn audit_source(&self) -> AuditSource {
        self.engines.audit_source()
    }

    /// Every part as it is now, servers first.
    pub async fn status(&self) -> Vec<Status> {
        let instances = future::join_all(self.instances.iter().map(Instance::status)).await;
        self.engines.status().into_iter().chain(instances).collect()
    }

    /// Kills a part (SIGKILL) with all its processes; it stays down until [`Shop::restart`].
    ///
    /// # Errors
    /// There is no such part; the same holds for pausing and resuming.
    pub async fn kill(&self, part: Part) -> Result<(), PartError> {
        match part {
            Part::Server(server) => self.engines.kill(server).await,
            Part::Service(..) => {
                future::join_all(self.meant(part)?.into_iter().map(Instance::kill)).await;
                Ok(())
            }
        }
    }

    /// Gives a part a new life, and returns when it is ready. One that runs is stopped in order first; the instances of a
    /// service take their turns, so that with several of them the service stays up.
    ///
    /// # Errors
    /// There is no such part, or it does not become ready.
    pub async fn restart(&self, part: Part) -> Result<(), PartError> {
        match part {
            Part::Server(server) => self.engines.restart(server).await,
            Part::Service(..) => {
                for instance in self.meant(part)? {
                    instance.restart().await?;
                    instance.ready().await?;
                }
                Ok(())
            }
        }
    }

    /// Stops (SIGSTOP) all processes of a part where they stand: connections stay open, nothing is answered.
    ///
    /// # Errors
    /// There is no such part.
    pub async fn pause(&self, part: Part) -> Result<(), PartError> {
        match part {
            Part::Server(server) => self.engines.pause(server),
            Part::Service(..) => {
                future::join_all(self.meant(part)?.into_iter().map(Instance::pause)).await;
                Ok(())
            }
        }
    }

    /// Lets a paused part run on.
    ///
    /// # Errors
    /// There is no such part.
    pub async fn resume(&self, part: Part) -> Result<(), PartError> {
        match part {
            Part::Server(server) => self.engines.resume(server),
            Part::Service(..) => {
                future::join_all(self.meant(part)?.into_iter().map(Instance::resume)).await;
                Ok(())
            }
        }
    }

    /// How often a part has ended by itself, over all instances that are meant.
    ///
    /// # Errors
    /// There is no such part.
    pub fn crashes(&self, part: Part) -> Result<u32, PartError> {
        match part {
            Part::Server(server) => Ok(self.engines.crashes(server)),
            Part::Service(..) => Ok(self.meant(part)?.into_iter().map(Instance::crashes).sum()),
        }
    }

    /// Stops everything in order: services drain one after the other, then Kafka to PostgreSQL. Each step is told.
    pub async fn stop(self, observer: Observer) {
        for service in Service::ALL {
            let stop = self.instances.iter().filter(|instance| instance.service == service).map(async |instance| {
                let begin = Instant::now();
                instance.stop().await;
                let (part, took) = (instance.part().to_string(), begin.elapsed());
                observer(Step { part, action: Action::Stopped, took, detail: String::new() });
            });
            future::join_all(stop).await;
        }
        let begin = Instant::now();
        self.engines.stop().await;
        let part = "servers".to_owned();
        observer(Step { part, action: Action::Stopped, took: begin.elapsed(), detail: String::new() });
    }

    fn meant(&self, part: Part) -> Result<Vec<&Instance>, PartError> {
        let Part::Service(service, number) = part else { return Ok(Vec::new()) };
        let all: Vec<_> = self.instances.iter().filter(|instance| instance.service == service).collect();
        let count = all.len();
        let meant: Vec<_> =
            all.into_iter().filter(|instance| number.is_none_or(|number| number == instance.number)).collect();
        if meant.is_empty() { Err(PartError::NoInstance { part, count }) } else { Ok(meant) }
    }
}

/// Takes the port of every instance, before anything is started.
fn take_ports(config: &Config) -> Result<Vec<(Which, Lease)>, StartError> {
    let take = |(service, number): Which| {
        let part = Part::Service(service, Some(number));
        let lease = match config.ports {
            Ports::Free => Lease::take_any().map_err(StartError::NoPort)?,
            Ports::Fixed { offset } => {
                let port = service.port(number).checked_add(offset).ok_or(StartError::Offset { part, offset })?;
                Lease::take(port).map_err(|taken| StartError::Port { part, taken })?
            }
        };
        Ok(((service, number), lease))
    };
    config.all_instances().map(take).collect()
}

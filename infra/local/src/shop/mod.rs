//! The whole shop: its servers and coordinators, and its services on top of them.
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
mod scale;
mod step;
mod token;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, RwLock},
    time::Instant,
};

use futures::{TryFutureExt, future};

pub use self::{
    config::{Config, InstanceEnv},
    engines::AuditSource,
    error::{NotReady, PartError, StartError},
    part::{MAX_INSTANCES, Part, Service, State, Status, UnknownPart},
    step::{Action, Observer, Step},
    token::TokenError,
};
use self::{
    engines::Engines,
    instance::{Instance, Seat},
    launch::{Secrets, Surroundings},
    scale::Starter,
};
use crate::{
    coordinators::{self, Member},
    process::{Ending, Lifeline},
    servers::{self, IndependentRedis, Replica, site::Site},
    traces,
};

/// Where the operator token stands in the data folder.
const TOKEN_FILE: &str = "operator-token";
/// Where the key of sessions stands in it.
const SESSION_KEY_FILE: &str = "session-key";

/// Redis servers that Redlock takes most of.
const REDLOCK_SERVERS: usize = 3;

/// A running shop. Dropping it kills everything; [`Shop::stop`] ends it in order.
#[derive(Debug)]
pub struct Shop {
    // Dropped first: services do not outlive what they use.
    services: RwLock<Vec<Arc<Instance>>>,
    /// Used by one at a time, who changes how many instances there are.
    starter: tokio::sync::Mutex<Starter>,
    coordinators: Vec<Arc<Instance>>,
    /// One, or none.
    traces: Vec<Arc<Instance>>,
    redlock: Option<IndependentRedis>,
    engines: Engines,
    token_file: PathBuf,
}

impl Shop {
    /// Starts everything and returns when every part is ready. Each step is told to the observer.
    ///
    /// # Errors
    /// Whatever does not start is named, with the reason and its log. Nothing is left running then.
    pub async fn start(config: Config, observer: Observer) -> Result<Self, StartError> {
        let programs = launch::programs(&config)?;
        // Before any port is taken and any folder locked: it may take minutes to build.
        let store = find_store(&config, &programs, &observer).await?;
        // Before anything is started.
        let leases = config.all_instances().map(|which| scale::take_port(config.ports, which));
        let leases = leases.collect::<Result<Vec<_>, _>>()?;
        let ground = Engines::ground(&config)?;
        // Before the servers, which take longer: by the time services start there is a leader.
        let coordinators = start_coordinators(&config, &programs, &ground.site)?;
        let (traces, spans) = start_traces(store, &config, &ground.site)?;
        let endpoints = coordinators.iter().map(|coordinator| format!("http://{}", coordinator.address)).collect();
        let rest = async {
            let engines = Engines::start(ground, &config, &observer).await?;
            let token_file = engines.folder().join(TOKEN_FILE);
            let redlock = start_redlock(&config).await?;
            let session_key = token::ensure(&engines.folder().join(SESSION_KEY_FILE))?;
            let secrets = Secrets { operator_token: token::ensure(&token_file)?, session_key };
            let surroundings = engines.surroundings(endpoints, spans, secrets).await?;
            let surroundings = Surroundings { redlock: urls(redlock.as_ref()), ..surroundings };
            let lifeline = Arc::new(Lifeline::start(Ending::default())?);
            let starter = Starter { config: config.clone(), programs: programs.clone(), surroundings, lifeline };
            let started = config.all_instances().zip(leases).map(|(which, lease)| starter.start(which, lease));
            let services = started.collect::<Result<Vec<_>, _>>()?;
            until_ready(&services, &observer).await?;
            Ok((services, starter, redlock, engines, token_file))
        };
        let early = future::try_join(until_ready(&coordinators, &observer), until_ready(&traces, &observer));
        let ((services, starter, redlock, engines, token_file), _) =
            future::try_join(rest, early.map_err(StartError::from)).await?;
        let (services, starter) = (RwLock::new(services), tokio::sync::Mutex::new(starter));
        Ok(Self { services, starter, coordinators, traces, redlock, engines, token_file })
    }

    /// Where the instances of a service listen, in their order.
    pub fn addresses(&self, service: Service) -> Vec<SocketAddr> {
        self.of(service).iter().map(|instance| instance.address).collect()
    }

    /// Where the coordinators serve clients, in their order.
    pub fn coordinators(&self) -> Vec<SocketAddr> {
        self.coordinators.iter().map(|coordinator| coordinator.address).collect()
    }

    /// Where the trace store answers queries and shows its page, where there is one.
    pub fn traces(&self) -> Option<SocketAddr> {
        self.traces.first().map(|traces| traces.address)
    }

    /// The file that holds the operator token.
    pub fn operator_token_file(&self) -> &Path {
        &self.token_file
    }

    /// What the audit reads.
    pub fn audit_source(&self) -> AuditSource {
        self.engines.audit_source()
    }

    /// PostgreSQL's replica, where there is one.
    pub fn replica(&self) -> Option<&Replica> {
        self.engines.replica()
    }

    /// The URL of Redis. It holds the password.
    pub fn redis_url(&self) -> String {
        self.engines.redis_url()
    }

    /// URLs of the other Redis servers, of which Redlock takes most; none where it can't be used. They hold passwords.
    pub fn redlock_urls(&self) -> Vec<String> {
        urls(self.redlock.as_ref())
    }

    /// Every part as it is now: servers, coordinators, the trace store, services.
    pub async fn status(&self) -> Vec<Status> {
        let instances = self.instances();
        let instances = future::join_all(instances.iter().map(|instance| instance.status())).await;
        self.engines.status().into_iter().chain(instances).collect()
    }

    /// Kills a part (SIGKILL) with all its processes; it stays down until [`Shop::restart`].
    ///
    /// # Errors
    /// There is no such part; the same holds for pausing and resuming.
    pub async fn kill(&self, part: Part) -> Result<(), PartError> {
        match part {
            Part::Server(server) => self.engines.kill(server).await,
            Part::Coordinator(_) | Part::Traces | Part::Service(..) => {
                future::join_all(self.meant(part)?.iter().map(|instance| instance.kill())).await;
                Ok(())
            }
        }
    }

    /// Gives a part a new life, and returns when it is ready. One that runs is stopped in order first; the instances of a
    /// service, and the coordinators, take their turns, so that with several of them the service stays up. Those that are
    /// down are started together before.
    ///
    /// # Errors
    /// There is no such part, or it does not become ready.
    pub async fn restart(&self, part: Part) -> Result<(), PartError> {
        match part {
            Part::Server(server) => self.engines.restart(server).await,
            Part::Coordinator(_) | Part::Traces | Part::Service(..) => {
                let (up, down): (Vec<_>, Vec<_>) = self.meant(part)?.into_iter().partition(|one| one.has_process());
                for instance in &down {
                    instance.restart().await?;
                }
                for instance in &down {
                    self.ready(instance).await?;
                }
                for instance in up {
                    instance.restart().await?;
                    self.ready(&instance).await?;
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
            Part::Coordinator(_) | Part::Traces | Part::Service(..) => {
                future::join_all(self.meant(part)?.iter().map(|instance| instance.pause())).await;
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
            Part::Coordinator(_) | Part::Traces | Part::Service(..) => {
                future::join_all(self.meant(part)?.iter().map(|instance| instance.resume())).await;
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
            Part::Coordinator(_) | Part::Traces | Part::Service(..) => {
                Ok(self.meant(part)?.iter().map(|instance| instance.crashes()).sum())
            }
        }
    }

    /// Stops everything in order: services drain one after the other, then the coordinators and the trace
    /// store go, then Kafka to PostgreSQL. Each step is told.
    pub async fn stop(self, observer: Observer) {
        let stop = async |instance: &Arc<Instance>| {
            let begin = Instant::now();
            instance.stop().await;
            let (part, took) = (instance.part.to_string(), begin.elapsed());
            observer(Step { part, action: Action::Stopped, took, detail: String::new() });
        };
        for service in Service::ALL {
            future::join_all(self.of(service).iter().map(&stop)).await;
        }
        for coordinator in &self.coordinators {
            // One by one: a leader hands over before it goes, and waits in vain for one that goes at the same time.
            stop(coordinator).await;
        }
        for traces in &self.traces {
            stop(traces).await;
        }
        let begin = Instant::now();
        if let Some(redlock) = self.redlock {
            redlock.stop().await;
        }
        self.engines.stop().await;
        let part = "servers".to_owned();
        observer(Step { part, action: Action::Stopped, took: begin.elapsed(), detail: String::new() });
    }

    /// The instances of a service, in their order.
    fn of(&self, service: Service) -> Vec<Arc<Instance>> {
        let meant = Part::Service(service, None);
        let services = self.services.read().expect("nothing panics while it holds the lock");
        services.iter().filter(|instance| meant.covers(instance.part)).cloned().collect()
    }

    fn instances(&self) -> Vec<Arc<Instance>> {
        let services = self.services.read().expect("nothing panics while it holds the lock");
        self.coordinators.iter().chain(&self.traces).chain(&*services).cloned().collect()
    }

    fn meant(&self, part: Part) -> Result<Vec<Arc<Instance>>, PartError> {
        let all = self.instances();
        let meant: Vec<_> = all.iter().filter(|instance| part.covers(instance.part)).cloned().collect();
        if meant.is_empty() {
            let count = all.iter().filter(|instance| instance.part.is_of_the_kind_of(part)).count();
            return Err(PartError::NoInstance { part, count });
        }
        Ok(meant)
    }

    /// Waits until an instance is ready; not in vain, where a coordinator lacks others.
    async fn ready(&self, instance: &Instance) -> Result<(), PartError> {
        let count = self.coordinators.len();
        let running = self.coordinators.iter().filter(|coordinator| coordinator.has_process()).count();
        if matches!(instance.part, Part::Coordinator(_)) && 2 * running <= count {
            return Err(PartError::NoMajority { part: instance.part, running, count });
        }
        instance.ready().await?;
        Ok(())
    }
}

/// Starts what the strategy redlock takes, if it is wanted.
async fn start_redlock(config: &Config) -> Result<Option<IndependentRedis>, servers::StartError> {
    if config.redlock { IndependentRedis::start(REDLOCK_SERVERS).await.map(Some) } else { Ok(None) }
}

fn urls(redlock: Option<&IndependentRedis>) -> Vec<String> {
    redlock.map(IndependentRedis::urls).unwrap_or_default()
}

async fn until_ready(instances: &[Arc<Instance>], observer: &Observer) -> Result<(), NotReady> {
    let ready = instances.iter().map(async |instance| {
        let took = instance.ready().await?;
        let (part, detail) = (instance.part.to_string(), format!("http://{}", instance.address));
        observer(Step { part, action: Action::Ready, took, detail });
        Ok(())
    });
    future::try_join_all(ready).await.map(drop)
}

/// Starts all coordinators, on the site's lifeline: like servers, they keep data in its folder.
fn start_coordinators(config: &Config, programs: &Path, site: &Site) -> Result<Vec<Arc<Instance>>, StartError> {
    if config.coordinators == 0 {
        return Ok(Vec::new());
    }
    let program = coordinators::program(programs).map_err(coordinators::StartError::from)?;
    let (members, ports, data) = (config.coordinators, config.ports, config.data.clone());
    let members = Member::all(&coordinators::Config { program, members, ports, data }, site)?;
    let start = |member: Member| {
        let (part, address, spec) = (Part::Coordinator(Some(member.number())), member.address(), member.spec());
        let seat = Seat { part, address, question: coordinators::HEALTH, ports: member.into_ports() };
        Ok(Arc::new(Instance::start(seat, (spec.clone(), spec), &site.lifeline).map_err(NotReady::from)?))
    };
    members.into_iter().map(start).collect()
}

/// The trace store's program, if there is to be one.
async fn find_store(
    config: &Config,
    programs: &Path,
    observer: &Observer,
) -> Result<Option<traces::Program>, traces::StartError> {
    if !config.traces {
        return Ok(None);
    }
    traces::Program::find(config.trace_store, programs, observer).await.map(Some)
}

/// Starts the trace store, if there is to be one, and answers where spans go.
fn start_traces(
    program: Option<traces::Program>,
    config: &Config,
    site: &Site,
) -> Result<(Vec<Arc<Instance>>, Option<String>), StartError> {
    let Some(program) = program else { return Ok((Vec::new(), None)) };
    let store = traces::Store::new(program, config.ports, site)?;
    let (address, endpoint, question, spec) = (store.address(), store.endpoint(), store.question(), store.spec());
    let seat = Seat { part: Part::Traces, address, question, ports: store.into_ports() };
    let instance = Instance::start(seat, (spec.clone(), spec), &site.lifeline).map_err(NotReady::from)?;
    Ok((vec![Arc::new(instance)], Some(endpoint)))
}

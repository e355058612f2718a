//! Instances that are started, and stopped, while the shop runs.

use std::{cmp::Ordering, path::PathBuf, sync::Arc};

use futures::future;

use super::{
    Config, NotReady, Part, Service, Shop, StartError,
    instance::{Instance, Seat},
    launch::{self, Surroundings},
};
use crate::{ports::Lease, process::Lifeline, servers::Ports};

/// The path at which a service answers 200 when it is ready.
const READY: &str = "/readyz";

/// An instance: its service, and which of it, from 1.
type Which = (Service, u16);

/// What instances of services are started from.
#[derive(Debug)]
pub(super) struct Starter {
    pub(super) config: Config,
    pub(super) programs: PathBuf,
    pub(super) surroundings: Surroundings,
    pub(super) lifeline: Arc<Lifeline>,
}

impl Starter {
    /// Starts an instance, which is not ready yet.
    pub(super) fn start(&self, (service, number): Which, port: Lease) -> Result<Arc<Instance>, NotReady> {
        let address = port.address();
        let specs = launch::specs(&self.config, &self.programs, &self.surroundings, (service, number), address);
        let seat = Seat { part: Part::Service(service, Some(number)), address, question: READY, ports: vec![port] };
        Ok(Arc::new(Instance::start(seat, specs, &self.lifeline)?))
    }
}

/// Takes the port of an instance.
pub(super) fn take_port(ports: Ports, (service, number): Which) -> Result<Lease, StartError> {
    let part = Part::Service(service, Some(number));
    match ports {
        Ports::Free => Lease::take_any().map_err(StartError::NoPort),
        Ports::Fixed { offset } => {
            let port = service.port(number).checked_add(offset).ok_or(StartError::Offset { part, offset })?;
            Lease::take(port).map_err(|taken| StartError::Port { part, taken })
        }
    }
}

impl Shop {
    /// Has so many instances of a service: starts those that lack, and returns when they are ready; or stops those with
    /// the greatest numbers, which drain first. Instances that were killed count, and stay down.
    ///
    /// # Errors
    /// A port is in use, or an instance does not become ready; it is there all the same then.
    pub async fn scale(&self, service: Service, count: u16) -> Result<(), StartError> {
        let starter = self.starter.lock().await;
        let there = u16::try_from(self.of(service).len()).unwrap_or(u16::MAX);
        match there.cmp(&count) {
            Ordering::Less => {
                let all = (there + 1..=count).map(|number| (service, number));
                let ports = all.clone().map(|which| take_port(starter.config.ports, which));
                let ports = ports.collect::<Result<Vec<_>, _>>()?;
                let started = all.zip(ports).map(|(which, port)| starter.start(which, port));
                let started = started.collect::<Result<Vec<_>, _>>()?;
                self.change(|services| services.extend(started.iter().cloned()));
                future::try_join_all(started.iter().map(|instance| instance.ready())).await?;
            }
            Ordering::Greater => {
                let beyond = |part| matches!(part, Part::Service(of, Some(number)) if of == service && number > count);
                let gone = self.change(|services| services.extract_if(.., |one| beyond(one.part)).collect::<Vec<_>>());
                future::join_all(gone.iter().map(|instance| instance.stop())).await;
            }
            Ordering::Equal => {}
        }
        Ok(())
    }

    /// Changes which instances there are, and keeps them in the order of their services and numbers.
    fn change<T>(&self, change: impl FnOnce(&mut Vec<Arc<Instance>>) -> T) -> T {
        let mut services = self.services.write().expect("nothing panics while it holds the lock");
        let changed = change(&mut services);
        services.sort_by_key(|instance| instance.part);
        changed
    }
}

//! A service among the others: found by them, set while it runs, and one of those that are elected.

use std::{io, net::SocketAddr, ops::RangeInclusive, time::Duration};

use coordination::{
    Cluster, Name,
    discovery::{self, Instance, Registration},
    election::{Candidate, Duty},
    settings::{self, DefineError, Definitions, Follower, Milliseconds, Ratio, Setting},
};
use telemetry::sampling;
use tokio::{
    task::JoinHandle,
    time::{MissedTickBehavior, interval, timeout},
};

use crate::{
    config::{Common, Coordination},
    health::{Health, Part},
    observe,
};

/// The settings that every service has.
const SAMPLING: Name = Name::literal("telemetry.sampling");
const SLOW: Name = Name::literal("telemetry.slow");
/// What [`SLOW`] may be: up to an hour.
const SLOW_RANGE: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(3_600);
/// How long after its death an instance is found no more.
const TTL: Duration = Duration::from_secs(10);
/// How long after its owner's death a duty is another's: coordinators give a lease no less than 2 s, and a lease that is
/// shorter than a pause of the machine changes hands for nothing.
const DUTY_TTL: Duration = Duration::from_secs(5);
/// How often the number of requests in hand is told.
const LOAD_INTERVAL: Duration = Duration::from_secs(1);
/// How long a start waits for the values of settings.
const SETTINGS_PATIENCE: Duration = Duration::from_secs(1);

/// A service's place among the others. Without coordinators it has none, and everything here is as good as not there:
/// settings keep what they are configured with, and duties are nobody's.
#[derive(Debug)]
pub struct Presence {
    place: Option<Place>,
    tasks: Tasks,
}

#[derive(Debug)]
struct Place {
    candidate: Candidate,
    advertise: Option<String>,
    registration: Option<Registration>,
    settings: Follower,
}

/// Ends with the presence, whether or not it left in order.
#[derive(Debug, Default)]
struct Tasks(Vec<JoinHandle<()>>);

impl Drop for Tasks {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

impl Presence {
    /// Publishes and follows the service's settings, and those that every service has. Returns at once: coordinators that
    /// are away are waited for in the background, and `health` says so without being the less ready.
    ///
    /// Must be called within a runtime, after telemetry was set up.
    ///
    /// # Errors
    /// A setting that every service has is among its own: a mistake in the program.
    pub fn begin(
        common: &Common,
        service: Name,
        mut settings: Definitions,
        health: &Health,
    ) -> Result<Self, DefineError> {
        let ratio = Ratio { default: sampling::ratio() };
        let help = "Share of the traces begun in a service that is recorded";
        let ratio = settings.define(SAMPLING, ratio, "", help)?;
        let slow = Milliseconds { default: sampling::slow(), range: SLOW_RANGE };
        let help = "A request that takes this long is recorded, also where its trace is not";
        let slow = settings.define(SLOW, slow, "ms", help)?;
        let Some(Coordination { cluster, instance, advertise }) = common.coordination.clone() else {
            return Ok(Self { place: None, tasks: Tasks::default() });
        };
        let tasks = vec![
            tokio::spawn(sample(ratio)),
            tokio::spawn(keep_slow(slow)),
            tokio::spawn(show(cluster.clone(), health.part("coordination"))),
        ];
        let followed = settings::follow(&cluster, settings);
        let candidate = Candidate { cluster, service, instance };
        let place = Place { candidate, advertise, registration: None, settings: followed };
        Ok(Self { place: Some(place), tasks: Tasks(tasks) })
    }

    /// The instance as it stands for elections; `None` without coordinators.
    pub fn candidate(&self) -> Option<&Candidate> {
        self.place.as_ref().map(|place| &place.candidate)
    }

    /// Waits until settings have the values that they were given, and not those they are configured with; no longer than a
    /// second, as coordinators may be away.
    pub async fn settings_read(&mut self) {
        let Some(place) = &mut self.place else { return };
        if timeout(SETTINGS_PATIENCE, place.settings.read()).await.is_err() {
            tracing::warn!("no coordinator answers: settings are as they are configured");
        }
    }

    /// Stands for a duty of the service.
    pub fn stand(&self, duty: &Name) -> Duty {
        Duty::stand(self.candidate(), duty, DUTY_TTL)
    }

    /// Has the instance found, as serving at this address or the one it was configured to advertise, and how busy it is.
    pub fn serve(&mut self, listening: SocketAddr) {
        let Some(place) = &mut self.place else { return };
        let address = place.advertise.clone().unwrap_or_else(|| reached(listening));
        let Candidate { cluster, service, instance } = &place.candidate;
        let id = instance.clone();
        tracing::info!(%service, instance = %id, address, "serves where others find it");
        let registration = discovery::register(cluster, service, Instance { id, address, load: 0 }, TTL);
        self.tasks.0.push(tokio::spawn(tell_load(registration.load())));
        place.registration = Some(registration);
    }

    /// Is found no more: before the service stops to serve. Waits until others know, for [`Cluster::parting`] at most.
    pub async fn leave(&mut self) {
        let Some(place) = &mut self.place else { return };
        if let Some(registration) = place.registration.take()
            && timeout(place.candidate.cluster.parting(), registration.leave()).await.is_err()
        {
            tracing::warn!("no coordinator took the registration away; its lease ends by itself");
        }
    }
}

async fn sample(mut ratio: Setting<f64>) {
    loop {
        sampling::set_ratio(ratio.changed().await);
    }
}

async fn keep_slow(mut least: Setting<Duration>) {
    loop {
        sampling::set_slow(least.changed().await);
    }
}

/// Whether coordinators answer is worth knowing, and no reason to send requests elsewhere.
async fn show(cluster: Cluster, part: Part) {
    let mut connected = cluster.connected();
    loop {
        match *connected.borrow_and_update() {
            true => part.ready(),
            false => part.missed("no coordinator answers; settings stay, orders go on"),
        }
        if connected.changed().await.is_err() {
            return;
        }
    }
}

async fn tell_load(load: discovery::Load) {
    let mut ticks = interval(LOAD_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        load.set(observe::requests_in_hand());
    }
}

/// Where others reach what listens here. What listens on all of a machine's addresses is reached by the machine's name: in a
/// container that is the container's, which its network knows.
fn reached(listening: SocketAddr) -> String {
    match host() {
        Ok(host) if listening.ip().is_unspecified() => format!("{host}:{}", listening.port()),
        _ => listening.to_string(),
    }
}

/// This machine's name, or this container's.
pub(crate) fn host() -> io::Result<String> {
    Ok(std::fs::read_to_string("/proc/sys/kernel/hostname")?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_advertised_under_which_others_reach_it() {
        assert_eq!(reached(SocketAddr::from(([127, 0, 0, 1], 8081))), "127.0.0.1:8081");
        let all = reached(SocketAddr::from(([0, 0, 0, 0], 8081)));
        assert_eq!(all, format!("{}:8081", host().unwrap()));
    }
}

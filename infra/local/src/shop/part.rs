//! The shop's parts, by name.

use std::{fmt, net::SocketAddr, path::PathBuf, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

use crate::servers::Server;

/// How far the ports of a service's instances are apart: `order#2` listens 100 above `order#1`.
const INSTANCE_STRIDE: u16 = 100;
/// The most instances of a service: the ports of more would run into those of the servers.
pub const MAX_INSTANCES: u16 = 20;

/// A service of the shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// Takes orders.
    Order,
    /// Owns products and stock.
    Inventory,
    /// Knows what is bought together.
    Recommendation,
}

impl Service {
    /// Every service.
    pub const ALL: [Self; 3] = [Self::Order, Self::Inventory, Self::Recommendation];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Inventory => "inventory",
            Self::Recommendation => "recommendation",
        }
    }

    /// Its program.
    pub fn program(self) -> &'static str {
        match self {
            Self::Order => "plumbline-order",
            Self::Inventory => "plumbline-inventory",
            Self::Recommendation => "plumbline-recommendation",
        }
    }

    /// Where its instance with this number, from 1, listens before any offset.
    pub fn port(self, instance: u16) -> u16 {
        let first = match self {
            Self::Order => 8081,
            Self::Inventory => 8082,
            Self::Recommendation => 8083,
        };
        first + INSTANCE_STRIDE * (instance - 1)
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Anything of the shop that can be killed and restarted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// A server.
    Server(Server),
    /// An instance of a service, numbered from 1, or all of them.
    Service(Service, Option<u16>),
}

/// Text that names no part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no part of the shop: use order, inventory or recommendation, one instance of them as in inventory#2, or \
     postgres, redis, memcached or kafka"
)]
pub struct UnknownPart(String);

impl FromStr for Part {
    type Err = UnknownPart;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || UnknownPart(text.to_owned());
        let (name, instance) = match text.split_once('#') {
            Some((name, number)) => (name, Some(number.parse::<u16>().map_err(|_| unknown())?)),
            None => (text, None),
        };
        if let Some(service) = Service::ALL.into_iter().find(|service| service.name() == name) {
            return if instance == Some(0) { Err(unknown()) } else { Ok(Self::Service(service, instance)) };
        }
        let server = Server::ALL.into_iter().find(|server| server.name() == name && instance.is_none());
        server.map(Self::Server).ok_or_else(unknown)
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server(server) => f.write_str(server.name()),
            Self::Service(service, None) => write!(f, "{service}"),
            Self::Service(service, Some(instance)) => write!(f, "{service}#{instance}"),
        }
    }
}

impl Serialize for Part {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Part {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// What a part is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Its process runs, and it answers that it is ready.
    Ready,
    /// Its process runs.
    Running,
    /// Its process is stopped where it stands.
    Paused,
    /// It was killed by hand, and stays down until it is restarted.
    Killed,
    /// It ended by itself, and waits for its next life.
    Waiting,
    /// It was stopped.
    Stopped,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Killed => "killed",
            Self::Waiting => "waiting",
            Self::Stopped => "stopped",
        })
    }
}

/// A part as it is now.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Status {
    /// Which.
    pub part: Part,
    /// What it is doing.
    pub state: State,
    /// Why it is not ready, or how it last ended by itself; empty otherwise.
    pub detail: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// Its process, while there is one.
    pub pid: Option<u32>,
    /// How long it has been in this state, readiness aside.
    pub since: Duration,
    /// How often it has ended by itself.
    pub crashes: u32,
    /// Its log file.
    pub log: PathBuf,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_written_as_they_are_read() {
        for text in ["order", "inventory#2", "recommendation#20", "postgres", "redis", "memcached", "kafka"] {
            assert_eq!(text.parse::<Part>().unwrap().to_string(), text);
        }
        for text in ["", "orders", "order#", "order#0", "order#-1", "kafka#1", "order#1#2"] {
            assert!(text.parse::<Part>().is_err(), "{text}");
        }
    }

    #[test]
    fn ports_are_as_documented_and_never_meet() {
        assert_eq!([1, 2, 3].map(|n| Service::Order.port(n)), [8081, 8181, 8281]);
        let all: Vec<u16> =
            Service::ALL.into_iter().flat_map(|service| (1..=MAX_INSTANCES).map(move |n| service.port(n))).collect();
        let distinct: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
    }
}

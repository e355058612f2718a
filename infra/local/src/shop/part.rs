//! The shop's parts, by name.

use std::{fmt, net::SocketAddr, path::PathBuf, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{servers::Server, traces};

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
    /// A coordinator, numbered from 1, or all of them.
    Coordinator(Option<u16>),
    /// The trace store.
    Traces,
    /// An instance of a service, numbered from 1, or all of them.
    Service(Service, Option<u16>),
}

/// What a coordinator is called, before its number.
const COORDINATOR: &str = "coordinator";

impl Part {
    /// Whether another part is this one, or one of those that it names together.
    pub(super) fn covers(self, other: Self) -> bool {
        self == other || self == other.without_number()
    }

    /// Whether two parts differ in nothing but which of several they are.
    pub(super) fn is_of_the_kind_of(self, other: Self) -> bool {
        self.without_number() == other.without_number()
    }

    fn without_number(self) -> Self {
        match self {
            Self::Server(_) | Self::Traces => self,
            Self::Coordinator(_) => Self::Coordinator(None),
            Self::Service(service, _) => Self::Service(service, None),
        }
    }
}

/// Text that names no part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no part of the shop: use order, inventory, recommendation or coordinator, one of them as in inventory#2, \
     or postgres, replica, redis, memcached, kafka or traces"
)]
pub struct UnknownPart(String);

impl FromStr for Part {
    type Err = UnknownPart;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || UnknownPart(text.to_owned());
        let (name, instance) = match text.split_once('#') {
            Some((name, number)) => {
                let number = number.parse::<u16>().ok().filter(|number| *number > 0);
                (name, Some(number.ok_or_else(unknown)?))
            }
            None => (text, None),
        };
        if name == COORDINATOR {
            return Ok(Self::Coordinator(instance));
        }
        if let Some(service) = Service::ALL.into_iter().find(|service| service.name() == name) {
            return Ok(Self::Service(service, instance));
        }
        if text == traces::NAME {
            return Ok(Self::Traces);
        }
        let server = Server::ALL.into_iter().find(|server| server.name() == name && instance.is_none());
        server.map(Self::Server).ok_or_else(unknown)
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server(server) => f.write_str(server.name()),
            Self::Coordinator(None) => f.write_str(COORDINATOR),
            Self::Traces => f.write_str(traces::NAME),
            Self::Coordinator(Some(number)) => write!(f, "{COORDINATOR}#{number}"),
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
    use crate::coordinators::fixed_ports;

    #[test]
    fn parts_are_written_as_they_are_read() {
        let parts = "order inventory#2 recommendation#20 coordinator coordinator#3 postgres redis memcached kafka traces replica";
        for text in parts.split(' ') {
            assert_eq!(text.parse::<Part>().unwrap().to_string(), text);
        }
        for text in ["", "orders", "order#", "order#0", "order#-1", "kafka#1", "order#1#2", "coordinator#0", "traces#1"]
        {
            assert!(text.parse::<Part>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_part_without_a_number_means_all_that_have_one() {
        let covers = |a: &str, b: &str| a.parse::<Part>().unwrap().covers(b.parse().unwrap());
        for (all, one) in [("order", "order#2"), ("coordinator", "coordinator#1"), ("order#2", "order#2")] {
            assert!(covers(all, one), "{all} {one}");
        }
        for (other, one) in [("order#1", "order#2"), ("order", "inventory#1"), ("order#1", "order")] {
            assert!(!covers(other, one), "{other} {one}");
        }
    }

    #[test]
    fn ports_are_as_documented_and_never_meet() {
        assert_eq!([1, 2, 3].map(|n| Service::Order.port(n)), [8081, 8181, 8281]);
        let all: Vec<u16> =
            Service::ALL.into_iter().flat_map(|service| (1..=MAX_INSTANCES).map(move |n| service.port(n))).collect();
        let all: Vec<_> = all.into_iter().chain((1..=7).flat_map(fixed_ports)).collect();
        let distinct: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
    }
}

//! What is cached with.

use std::time::Duration;

use crate::{entry::Writing, kind};

/// The longest prefix: a kind's name and a digest must fit in 250 bytes behind it.
const LONGEST_PREFIX: usize = 100;
/// What memcached takes as one item is 1 MiB, of which some is the key's and the register's.
const LARGEST: usize = 1_000_000;
/// The longest that an entry may stay in the process, whatever is configured.
const NEAREST: Duration = Duration::from_secs(1);

/// Where values are cached, and by which measures. The time to live and the policy are live settings, see
/// [`Cache::following`](crate::Cache::following).
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The memcached servers, as `host:port`. Which of them has a key is said by their names, so that all processes must use
    /// the same names; the order does not matter.
    pub servers: Vec<String>,
    /// What all keys begin with.
    pub prefix: String,
    /// How long an exchange with a server may take, opening a connection included. What takes longer counts as a fault, and
    /// the value is loaded.
    pub patience: Duration,
    /// After so many faults in a row a server is left alone until it answers a probe.
    pub faults: u32,
    /// The longest pause between two probes.
    pub probe: Duration,
    /// Connections to each server, at most.
    pub connections: usize,
    /// How long others leave a load to who has begun it, at most; less where the last load was quick.
    pub lease: Duration,
    /// Between two looks at whether another process has loaded, at first; later it grows to eight times that.
    pub poll: Duration,
    /// For how long what is known to be out of date, or has expired, is given to readers that accept it while one loads.
    pub grace: Duration,
    /// For how long it is believed that there is no value.
    pub negative_ttl: Duration,
    /// By which share of it, at most, the time to live of an entry is shortened at random, so that what was loaded together
    /// does not expire together.
    pub jitter: f64,
    /// The largest value that is cached, in bytes as it is stored; at most 1,000,000.
    pub largest: usize,
    /// From how many bytes on a value is compressed.
    pub compress_from: usize,
    /// How long a switch of the policy takes to reach every process: before it has, nothing is believed after `off`.
    pub settle: Duration,
    /// The cache in the process, in front of memcached.
    pub near: Option<Near>,
}

/// A cache in the process, for readers that accept whatever is not too old.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Near {
    /// How long an entry stays; never longer than a second.
    pub ttl: Duration,
    /// How many entries there are, at most.
    pub entries: usize,
    /// How many bytes they take, at most, as memcached has them.
    pub bytes: usize,
}

/// A configuration that nothing can be cached with.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ConfigError {
    /// There is no server.
    #[error("no memcached server is named")]
    NoServers,
    /// A server is named twice, or its name has no port.
    #[error("{0:?} is no server's host:port, or stands there twice")]
    Server(String),
    /// The prefix can't begin a key.
    #[error("{0:?} can't begin a key: at most {LONGEST_PREFIX} letters, digits and _-./")]
    Prefix(String),
    /// A measure that nothing can be done with.
    #[error("{name} can't be {value}")]
    Measure {
        /// Which.
        name: &'static str,
        /// What it is.
        value: String,
    },
}

impl Config {
    /// Keys that begin with `plumbline/`; 100 ms for an exchange, three faults, probes at least once a second, 64 connections;
    /// leases of 1 s, looked at every 3 ms; 2 s of grace, 5 s for what is not there, a tenth of jitter; 256 KiB, compressed
    /// from 1 KiB on; 5 s to settle; nothing in the process.
    pub fn new<S: Into<String>>(servers: impl IntoIterator<Item = S>) -> Self {
        Self {
            servers: servers.into_iter().map(Into::into).collect(),
            prefix: "plumbline/".to_owned(),
            patience: Duration::from_millis(100),
            faults: 3,
            probe: Duration::from_secs(1),
            connections: 64,
            lease: Duration::from_secs(1),
            poll: Duration::from_millis(3),
            grace: Duration::from_secs(2),
            negative_ttl: Duration::from_secs(5),
            jitter: 0.1,
            largest: 256 << 10,
            compress_from: 1 << 10,
            settle: Duration::from_secs(5),
            near: None,
        }
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        if self.servers.is_empty() {
            return Err(ConfigError::NoServers);
        }
        for (place, server) in self.servers.iter().enumerate() {
            let port = server.rsplit_once(':').and_then(|(host, port)| (!host.is_empty()).then_some(port));
            if port.is_none_or(|port| port.parse::<u16>().is_err()) || self.servers[..place].contains(server) {
                return Err(ConfigError::Server(server.clone()));
            }
        }
        if self.prefix.len() > LONGEST_PREFIX || !kind::is_word(&self.prefix) {
            return Err(ConfigError::Prefix(self.prefix.clone()));
        }
        let measure = |name, value: String| Err(ConfigError::Measure { name, value });
        if !(0.0..1.0).contains(&self.jitter) {
            return measure("jitter", self.jitter.to_string());
        }
        if self.largest > LARGEST {
            return measure("largest", self.largest.to_string());
        }
        if self.connections == 0 || self.faults == 0 {
            return measure("connections or faults", "0".to_owned());
        }
        for (name, time) in [("patience", self.patience), ("poll", self.poll), ("lease", self.lease)] {
            if time.is_zero() {
                return measure(name, format!("{time:?}"));
            }
        }
        Ok(())
    }

    pub(crate) fn writing(&self) -> Writing {
        Writing { largest: self.largest, compress_from: self.compress_from }
    }

    /// The seconds for which memcached holds what somebody has begun to load: who dies is forgotten then.
    pub(crate) fn lease_seconds(&self) -> u32 {
        seconds(self.lease)
    }
}

impl Default for Near {
    /// 250 ms, 10,000 entries, 16 MiB.
    fn default() -> Self {
        Self { ttl: Duration::from_millis(250), entries: 10_000, bytes: 16 << 20 }
    }
}

impl Near {
    pub(crate) fn ttl(&self) -> Duration {
        self.ttl.min(NEAREST)
    }
}

/// The seconds after which memcached may forget what must last this long: its clock moves once a second.
pub(crate) fn seconds(time: Duration) -> u32 {
    u32::try_from(time.as_millis().div_ceil(1_000) + 1).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_not_be_used_is_told_at_the_start() {
        let good = Config::new(["127.0.0.1:11211", "cache:11211"]);
        assert_eq!(good.check(), Ok(()));
        let told = |config: Config| config.check().unwrap_err().to_string();
        assert!(told(Config::new::<String>([])).contains("no memcached"));
        for servers in [["cache", "b:1"], [":1", "b:1"], ["a:99999", "b:1"], ["a:1", "a:1"]] {
            assert!(told(Config::new(servers)).contains("host:port"), "{servers:?}");
        }
        assert!(told(Config { prefix: "a b".into(), ..good.clone() }).contains("begin a key"));
        assert!(told(Config { jitter: 1.0, ..good.clone() }).contains("jitter"));
        assert!(told(Config { largest: 1 << 20, ..good.clone() }).contains("largest"));
        assert!(told(Config { patience: Duration::ZERO, ..good }).contains("patience"));
    }

    #[test]
    fn memcached_counts_in_seconds() {
        for (milliseconds, wanted) in [(1, 2), (1_000, 2), (1_001, 3), (60_000, 61)] {
            assert_eq!(seconds(Duration::from_millis(milliseconds)), wanted);
        }
    }
}

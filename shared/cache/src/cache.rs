//! The one handle to all of it.

use std::{sync::Arc, time::Duration};

use coordination::{Cluster, settings::Setting};
use rand::Rng as _;

use crate::{
    Config, ConfigError, Policy, Stamp,
    entry::{Body, Entry},
    flight::Flights,
    live::Live,
    near::Near,
    refreshing::Refreshing,
    ring::Ring,
    server::Server,
    stamp::now,
    verdict::Rules,
};

/// Caches values in memcached. Clones share connections, settings and what is under way.
#[derive(Debug, Clone)]
pub struct Cache(Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) config: Config,
    pub(crate) live: Live,
    ring: Ring,
    servers: Vec<Server>,
    pub(crate) flights: Arc<Flights>,
    pub(crate) refreshing: Arc<Refreshing>,
    pub(crate) near: Option<Near>,
}

impl Cache {
    /// Caches by one policy for ever. Reaches for nobody.
    ///
    /// # Errors
    /// The configuration can't be used.
    pub fn fixed(config: Config, policy: Policy, ttl: Setting<Duration>) -> Result<Self, ConfigError> {
        Self::new(config, Live::fixed(policy, ttl.clone()), ttl)
    }

    /// Caches by the policy that a live setting says, with [`Policy::setting`] as its shape, and for how long another says.
    /// Best made when [`Follower::read`](coordination::settings::Follower::read) has returned: until then settings have
    /// their defaults. Must be called within a runtime.
    ///
    /// # Errors
    /// The configuration can't be used.
    pub fn following(
        config: Config,
        policy: Setting<Policy>,
        ttl: Setting<Duration>,
        cluster: &Cluster,
    ) -> Result<Self, ConfigError> {
        config.check()?;
        let live = Live::following(policy, ttl.clone(), config.settle, cluster);
        Self::new(config, live, ttl)
    }

    fn new(config: Config, live: Live, ttl: Setting<Duration>) -> Result<Self, ConfigError> {
        config.check()?;
        let ring = Ring::new(config.servers.iter().map(String::as_str));
        let servers = config.servers.iter().map(|name| Server::new(name, &config, ttl.clone())).collect();
        let near = config.near.map(Near::new);
        let (flights, refreshing) = (Arc::default(), Arc::default());
        Ok(Self(Arc::new(Inner { config, live, ring, servers, flights, refreshing, near })))
    }

    /// The policy in force.
    pub fn policy(&self) -> Policy {
        self.0.live.policy()
    }

    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.0
    }
}

impl Inner {
    pub(crate) fn prefix(&self) -> &str {
        &self.config.prefix
    }

    pub(crate) fn server(&self, key: &str) -> &Server {
        &self.servers[self.ring.place(key)]
    }

    /// Work of keys by the servers that have them.
    pub(crate) fn by_server<T>(&self, work: Vec<(String, T)>) -> Vec<(&Server, Vec<(String, T)>)> {
        let mut by_server: Vec<_> = self.servers.iter().map(|server| (server, Vec::new())).collect();
        for (key, one) in work {
            let place = self.ring.place(&key);
            by_server[place].1.push((key, one));
        }
        by_server.retain(|(_, work)| !work.is_empty());
        by_server
    }

    /// By what the entry of a key is judged at this moment.
    pub(crate) fn rules(&self, server: &Server, epoch: u64) -> Rules {
        let draw = 1.0 - rand::rng().random::<f64>();
        let floor = server.floor().max(self.live.floor());
        Rules { now: now(), epoch, floor, ttl: self.live.ttl(), grace: self.config.grace, draw }
    }

    /// What is cached of a value.
    pub(crate) fn entry(&self, body: Body, stamp: Stamp, epoch: u64, cost: u32) -> Entry {
        let ttl = self.live.ttl();
        let ttl = if body == Body::Absent { ttl.min(self.config.negative_ttl) } else { ttl };
        let share = 1.0 - self.config.jitter * rand::rng().random::<f64>();
        let fresh_for = u32::try_from(ttl.mul_f64(share).as_millis()).unwrap_or(u32::MAX);
        Entry { stamp, epoch, fresh_for, cost, body }
    }

    /// Nobody who comes from now on has what was read of this key before.
    pub(crate) fn part(&self, key: &str) {
        self.flights.part(key);
        if let Some(near) = &self.near {
            near.remove(key);
        }
    }
}

/// A number that nobody else draws, and not 0.
pub(crate) fn random() -> u64 {
    rand::rng().random_range(1..=u64::MAX)
}

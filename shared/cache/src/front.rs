//! The cache in front of a service's databases.

use std::{fmt::Display, time::Duration};

use coordination::{Cluster, settings::Setting};

use crate::{Cache, Config, ConfigError, Kind, Near, Settings, Shelf};

/// The cache in front of a service's databases, where it has one. Clones share it.
#[derive(Debug, Clone)]
pub struct Front {
    cache: Option<Cache>,
    load_delay: Setting<Duration>,
}

impl Front {
    /// Caches in these memcached servers, and for a moment in the process, by what the settings say; without a cluster by the
    /// policy that they say now. Nothing is cached without servers, which is said once. All keys begin with the name
    /// of the `database`, which no other may have: what was cached of one that was there before is never found. Must be called within a runtime.
    ///
    /// # Errors
    /// The servers or the name can't be used.
    pub fn new(
        servers: &[String],
        database: impl Display,
        settings: &Settings,
        cluster: Option<&Cluster>,
    ) -> Result<Self, ConfigError> {
        let Settings { policy, ttl, load_delay } = settings.clone();
        if servers.is_empty() {
            tracing::info!("no memcached is named: nothing is cached");
            return Ok(Self { cache: None, load_delay });
        }
        let config =
            Config { prefix: format!("plumbline/{database}/"), near: Some(Near::default()), ..Config::new(servers) };
        let cache = match cluster {
            Some(cluster) => Cache::following(config, policy, ttl, cluster),
            None => Cache::fixed(config, policy.get(), ttl),
        };
        Ok(Self { cache: Some(cache?), load_delay })
    }

    /// The place of one kind of values.
    pub fn shelf<K: Kind>(&self) -> Shelf<K> {
        Shelf::new(self.cache.clone(), self.load_delay.clone())
    }
}

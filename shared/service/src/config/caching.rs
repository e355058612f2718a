//! Where a service caches what it reads.

use std::{fmt::Display, ops::RangeInclusive, str::FromStr, time::Duration};

use super::Reader;

/// Where a service caches what it reads, and how while nobody has set anything else. What policies there are is `P`'s to say.
#[derive(Debug, Clone)]
pub struct Caching<P> {
    /// The memcached servers, `host:port`; none where nothing is cached.
    pub servers: Vec<String>,
    /// What becomes of a cached value when it is changed.
    pub policy: P,
    /// How old a copy may be where nothing else says how new an answer has to be.
    pub ttl: Duration,
}

impl<P: FromStr<Err: Display> + Display + Default> Caching<P> {
    /// Reads the variables of it.
    pub fn read(env: &mut Reader, ttl: Duration, range: &RangeInclusive<Duration>) -> Self {
        let servers: String = env.optional(
            "PLUMBLINE_MEMCACHED",
            String::new(),
            "the memcached servers, host:port, several separated by commas, the same for all services; nothing is cached \
             where none is named",
        );
        let policy = env.optional(
            "PLUMBLINE_CACHE_POLICY",
            P::default(),
            "what becomes of a cached value when it is changed: off, aside or write-through; the same for all services",
        );
        let ttl = env.millis(
            "PLUMBLINE_CACHE_TTL_MILLIS",
            ttl,
            range,
            "how old what the cache or the replica shows may be, where nothing else says how new an answer has to be",
        );
        let servers = servers.split(',').map(str::trim).filter(|server| !server.is_empty()).map(str::to_owned);
        Self { servers: servers.collect(), policy, ttl }
    }
}

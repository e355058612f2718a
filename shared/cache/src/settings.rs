//! What of caching is set while services run: for the whole shop, and not for one service.

use std::{ops::RangeInclusive, time::Duration};

use coordination::{
    Name,
    settings::{Choice, DefineError, Definitions, Milliseconds, Setting},
};

use crate::Policy;

const POLICY: Name = Name::literal("cache.policy");
const TTL: Name = Name::literal("cache.ttl_ms");
const LOAD_DELAY: Name = Name::literal("cache.load_delay_ms");
/// What [`Settings::load_delay`] may be: up to a second.
const LOAD_DELAY_RANGE: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(1);

/// The live settings of caching, which every service that caches has.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What becomes of a cached value when it is changed.
    pub policy: Setting<Policy>,
    /// How old a copy may be where nothing else says how new an answer has to be.
    pub ttl: Setting<Duration>,
    /// What each load waits for before it begins, to show what a slow database costs.
    pub load_delay: Setting<Duration>,
}

impl Settings {
    /// What [`Settings::ttl`] may be: up to an hour.
    pub const TTL_RANGE: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(3_600);
    /// What [`Settings::ttl`] is where nothing else is configured.
    pub const TTL: Duration = Duration::from_secs(60);

    /// Defines all of them; these hold while nobody has set others, and should be the same for all services.
    ///
    /// # Errors
    /// One is defined already, or the time to live is out of its range.
    pub fn define(definitions: &mut Definitions, policy: Policy, ttl: Duration) -> Result<Self, DefineError> {
        let policy = Choice { default: policy.word(), ..Policy::setting() };
        let ttl = Milliseconds { default: ttl, range: Self::TTL_RANGE };
        let load_delay = Milliseconds { default: Duration::ZERO, range: LOAD_DELAY_RANGE };
        Ok(Self {
            policy: definitions.define(
                POLICY,
                policy,
                "",
                "What becomes of a cached value when it is changed: off caches nothing, aside has the next reader load it, \
                 write-through replaces it",
            )?,
            ttl: definitions.define(
                TTL,
                ttl,
                "ms",
                "How old what the cache or the replica shows may be, where nothing else says how new an answer has to be",
            )?,
            load_delay: definitions.define(
                LOAD_DELAY,
                load_delay,
                "ms",
                "Added to each load of what may be cached, to show what a slow database costs",
            )?,
        })
    }
}

//! What of this service is set while it runs; what it is configured with holds until then.

use coordination::settings::{DefineError, Definitions, Integer, Milliseconds};
use messaging::{consumer, relay};
use service::gather;

use crate::{SERVICE, config::Config, locking, sweep};

/// The live settings of the parts.
#[derive(Debug)]
pub struct Settings {
    /// Of the sweep.
    pub sweep: sweep::Settings,
    /// Of the relay.
    pub relay: relay::Pacing,
    /// Of the consumer of order events.
    pub consumer: consumer::Batching,
    /// Of requests to reserve.
    pub gathering: gather::Batching,
    /// Of the locks of stock.
    pub locking: locking::Settings,
    /// Of what is cached.
    pub caching: cache::Settings,
}

impl Settings {
    /// Defines all of them.
    ///
    /// # Errors
    /// One is defined already, or a configured value is out of its range, which [`Config::read`] has refused.
    pub fn define(definitions: &mut Definitions, config: &Config) -> Result<Self, DefineError> {
        let seconds = Integer { default: config.sweep.time_to_live_seconds, range: sweep::TIME_TO_LIVE_RANGE };
        let interval = Milliseconds { default: config.sweep.interval, range: sweep::INTERVAL_RANGE };
        let sweep = sweep::Settings {
            time_to_live_seconds: definitions.define(
                SERVICE.join("reservation.ttl_seconds"),
                seconds,
                "s",
                "How long a reservation is held for an order that is not confirmed",
            )?,
            interval: definitions.define(
                SERVICE.join("sweep.interval_ms"),
                interval,
                "ms",
                "How long to wait between looking for reservations that have expired",
            )?,
        };
        let relay = relay::Pacing::define(definitions, &SERVICE)?;
        let (max, wait) = (config.consumer_batch_max, config.consumer_batch_wait);
        let consumer = consumer::Batching::define(definitions, &SERVICE, max, wait)?;
        let batch = Integer { default: config.gathering.batch_max, range: gather::BATCH_RANGE };
        let pace = Milliseconds { default: config.gathering.pace, range: gather::PACE_RANGE };
        let gathering = gather::Batching {
            most: definitions.define(
                SERVICE.join("reserve.batch_max"),
                batch,
                "requests",
                "Most requests to reserve that one transaction decides",
            )?,
            pace: definitions.define(
                SERVICE.join("reserve.pace_ms"),
                pace,
                "ms",
                "Least time from one transaction for requests to reserve to the next one, unless a batch is full",
            )?,
        };
        let locking = locking::Settings::define(definitions, &config.locking)?;
        let caching = cache::Settings::define(definitions, config.caching.policy, config.caching.ttl)?;
        Ok(Self { sweep, relay, consumer, gathering, locking, caching })
    }
}

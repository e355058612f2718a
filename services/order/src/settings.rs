//! What of this service is set while it runs; what it is configured with holds until then.

use coordination::settings::{DefineError, Definitions, Integer, Milliseconds};
use messaging::{consumer, relay};
use service::gather;

use crate::{SERVICE, config::Config};

/// The live settings of the parts.
#[derive(Debug)]
pub struct Settings {
    /// Of group commit.
    pub commit: gather::Batching,
    /// Of the relay.
    pub relay: relay::Pacing,
    /// Of the consumer of inventory's news.
    pub consumer: consumer::Batching,
    /// Of what is cached.
    pub caching: cache::Settings,
}

impl Settings {
    /// Defines all of them.
    ///
    /// # Errors
    /// One is defined already, or a configured value is out of its range, which [`Config::read`] has refused.
    pub fn define(definitions: &mut Definitions, config: &Config) -> Result<Self, DefineError> {
        let batch = Integer { default: config.commit.batch_max, range: gather::BATCH_RANGE };
        let pace = Milliseconds { default: config.commit.pace, range: gather::PACE_RANGE };
        let commit = gather::Batching {
            most: definitions.define(
                SERVICE.join("commit.batch_max"),
                batch,
                "orders",
                "Most orders that one transaction writes",
            )?,
            pace: definitions.define(
                SERVICE.join("commit.pace_ms"),
                pace,
                "ms",
                "Least time from one transaction's beginning to the next one's, for each committer, unless a batch is full",
            )?,
        };
        let relay = relay::Pacing::define(definitions, &SERVICE)?;
        let (max, wait) = (config.consumer_batch_max, config.consumer_batch_wait);
        let consumer = consumer::Batching::define(definitions, &SERVICE, max, wait)?;
        let caching = cache::Settings::define(definitions, config.caching.policy, config.caching.ttl)?;
        Ok(Self { commit, relay, consumer, caching })
    }
}

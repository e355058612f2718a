//! What this service is configured with.

use std::time::Duration;

use cache::Policy;
use contracts::consistency::Key;
use messaging::consumer::Batching;
use service::{
    config::{Caching, Common, Databases, Reader},
    consistency, gather,
};

use crate::store::Database;

/// The configuration, read once from the environment.
#[derive(Debug, Clone)]
pub struct Config {
    /// What every service has.
    pub common: Common,
    /// Its database, and what follows it.
    pub databases: Databases<Database>,
    /// Where what is read is cached.
    pub caching: Caching<Policy>,
    /// What tokens of sessions are sealed with.
    pub session_key: Option<Key>,
    /// Connections besides those of the committers and of the relay: for reading, cancelling and consuming.
    pub database_pool: u32,
    /// How orders are grouped for committing.
    pub commit: gather::Config,
    /// The most of inventory's news a transaction takes.
    pub consumer_batch_max: i64,
    /// How long a transaction waits for more news after the first.
    pub consumer_batch_wait: Duration,
}

impl Config {
    /// Reads every variable; `None` where one that must be set is not, or is wrong.
    pub fn read(env: &mut Reader) -> Option<Self> {
        let common = Common::read(env, "order", 8081);
        let databases = Databases::read(env);
        let database_pool = env.within(
            "PLUMBLINE_DATABASE_POOL",
            8,
            (2, 1_000),
            "connections for reading, cancelling and consuming; committers and the relay have their own",
        );
        let caching = Caching::read(env, cache::Settings::TTL, &cache::Settings::TTL_RANGE);
        let session_key = consistency::key(env);
        let commit = commit(env);
        let consumer_batch_max = env.within(
            "PLUMBLINE_CONSUMER_BATCH_MAX",
            Batching::MAX,
            Batching::MAX_RANGE.into_inner(),
            "the most of inventory's news a transaction takes",
        );
        let consumer_batch_wait = env.millis(
            "PLUMBLINE_CONSUMER_BATCH_WAIT_MILLIS",
            Batching::WAIT,
            &Batching::WAIT_RANGE,
            "how long a transaction waits for more news after the first",
        );
        let (common, databases) = (common?, databases?);
        Some(Self {
            common,
            databases,
            caching,
            session_key,
            database_pool,
            commit,
            consumer_batch_max,
            consumer_batch_wait,
        })
    }
}

fn commit(env: &mut Reader) -> gather::Config {
    gather::Config {
        tasks: env.within("PLUMBLINE_COMMITTERS", 2, (1, 256), "tasks that commit orders, each with a connection"),
        batch_max: env.within(
            "PLUMBLINE_COMMIT_BATCH_MAX",
            256,
            gather::BATCH_RANGE.into_inner(),
            "the most orders a transaction",
        ),
        pace: env.millis(
            "PLUMBLINE_COMMIT_PACE_MILLIS",
            Duration::from_millis(5),
            &gather::PACE_RANGE,
            "the least time from one transaction's beginning to the next one's, for each committer",
        ),
        queue: env.within(
            "PLUMBLINE_COMMIT_QUEUE",
            4_096,
            (1, 1_000_000),
            "orders that may wait to be committed; beyond it they are answered 503",
        ),
        patience: Duration::from_secs(env.within(
            "PLUMBLINE_COMMIT_PATIENCE_SECONDS",
            5,
            (1, 60),
            "how long storing an order is tried before it is answered 503",
        )),
    }
}

//! What this service is configured with.

use std::time::Duration;

use cache::Policy;
use contracts::consistency::Key;
use messaging::consumer::Batching;
use service::{
    config::{Caching, Common, Databases, Reader},
    consistency, gather,
};

use crate::{locking, store::Database, sweep};

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
    /// Connections besides those of the relay.
    pub database_pool: u32,
    /// The most order events a transaction takes.
    pub consumer_batch_max: i64,
    /// How long a transaction waits for more events after the first.
    pub consumer_batch_wait: Duration,
    /// How reservations expire.
    pub sweep: sweep::Config,
    /// How requests to reserve are gathered.
    pub gathering: gather::Config,
    /// How stock is locked.
    pub locking: locking::Config,
}

impl Config {
    /// Reads every variable; `None` where one that must be set is not, or is wrong.
    pub fn read(env: &mut Reader) -> Option<Self> {
        let common = Common::read(env, "inventory", 8082);
        let databases = Databases::read(env);
        let database_pool = env.within(
            "PLUMBLINE_DATABASE_POOL",
            8,
            (3, 1_000),
            "connections for requests, order events and the sweep; the relay has its own",
        );
        let caching = Caching::read(env, cache::Settings::TTL, &cache::Settings::TTL_RANGE);
        let session_key = consistency::key(env);
        let consumer_batch_max = env.within(
            "PLUMBLINE_CONSUMER_BATCH_MAX",
            Batching::MAX,
            Batching::MAX_RANGE.into_inner(),
            "the most order events a transaction takes",
        );
        let consumer_batch_wait = env.millis(
            "PLUMBLINE_CONSUMER_BATCH_WAIT_MILLIS",
            Batching::WAIT,
            &Batching::WAIT_RANGE,
            "how long a transaction waits for more order events after the first",
        );
        let sweep = sweep(env);
        let gathering = gathering(env);
        let locking = locking::Config::read(env, common.as_ref());
        let (common, databases) = (common?, databases?);
        Some(Self {
            common,
            databases,
            caching,
            session_key,
            database_pool,
            consumer_batch_max,
            consumer_batch_wait,
            sweep,
            gathering,
            locking,
        })
    }
}

fn gathering(env: &mut Reader) -> gather::Config {
    gather::Config {
        tasks: env.within("PLUMBLINE_RESERVERS", 1, (1, 64), "tasks that decide requests to reserve, each with a lock"),
        batch_max: env.within(
            "PLUMBLINE_RESERVE_BATCH_MAX",
            256,
            gather::BATCH_RANGE.into_inner(),
            "the most requests to reserve a transaction",
        ),
        pace: env.millis(
            "PLUMBLINE_RESERVE_PACE_MILLIS",
            Duration::from_millis(5),
            &gather::PACE_RANGE,
            "the least time from one transaction for requests to reserve to the next one, for each task",
        ),
        queue: env.within(
            "PLUMBLINE_RESERVE_QUEUE",
            4_096,
            (1, 1_000_000),
            "requests to reserve that may wait; beyond it they are answered 503",
        ),
        patience: Duration::from_secs(env.within(
            "PLUMBLINE_RESERVE_PATIENCE_SECONDS",
            10,
            (1, 60),
            "how long a request to reserve is tried before it is answered 503",
        )),
    }
}

fn sweep(env: &mut Reader) -> sweep::Config {
    let time_to_live_seconds = env.within(
        "PLUMBLINE_RESERVATION_TTL_SECONDS",
        900,
        sweep::TIME_TO_LIVE_RANGE.into_inner(),
        "how long a reservation is held for an order that is not confirmed",
    );
    let interval = env.millis(
        "PLUMBLINE_SWEEP_INTERVAL_MILLIS",
        Duration::from_secs(5),
        &sweep::INTERVAL_RANGE,
        "how long to wait between looking for reservations that have expired",
    );
    sweep::Config { time_to_live_seconds, interval }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn faults(pairs: &[(&str, &str)]) -> Vec<String> {
        let pairs: HashMap<String, String> = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let mut env = Reader::from_map(pairs);
        let config = Config::read(&mut env);
        env.finish(config).map_or_else(|faults| faults.0, |_| Vec::new())
    }

    #[test]
    fn a_database_is_all_it_needs() {
        assert_eq!(
            faults(&[("PLUMBLINE_DATABASE_URL", "postgres://i:p@localhost:15432/plumbline_inventory")]).len(),
            0
        );
    }

    #[test]
    fn every_fault_is_named_and_no_password() {
        let faults = faults(&[
            ("PLUMBLINE_DATABASE_URL", "mysql://i:hush@localhost/x"),
            ("PLUMBLINE_RESERVATION_TTL_SECONDS", "0"),
            ("PLUMBLINE_CONSUMER_BATCH_MAX", "many"),
            ("PLUMBLINE_LOCK_STRATEGY", "redis-fenced"),
            ("PLUMBLINE_LOCK_WHEN_GONE", "pray"),
        ]);
        assert_eq!(faults.len(), 5, "{faults:?}");
        assert!(!faults.join(" ").contains("hush"), "{faults:?}");
    }
}

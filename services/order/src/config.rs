//! What this service is configured with.

use std::time::Duration;

use contracts::consistency::Key;
use messaging::consumer::Batching;
use service::{
    config::{Common, Reader},
    consistency, gather,
};

use crate::store::{self, Database, Following};

/// The configuration, read once from the environment.
#[derive(Debug, Clone)]
pub struct Config {
    /// What every service has.
    pub common: Common,
    /// Its database.
    pub database: Database,
    /// What follows it, where anything does.
    pub following: Option<Following>,
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
        let database = database(env);
        let database_pool = env.within(
            "PLUMBLINE_DATABASE_POOL",
            8,
            (2, 1_000),
            "connections for reading, cancelling and consuming; committers and the relay have their own",
        );
        let following = following(env, database_pool);
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
        let (common, database) = (common?, database?);
        Some(Self {
            common,
            database,
            following,
            session_key,
            database_pool,
            commit,
            consumer_batch_max,
            consumer_batch_wait,
        })
    }
}

fn database(env: &mut Reader) -> Option<Database> {
    let url = env.required_secret("PLUMBLINE_DATABASE_URL", "postgres://user:password@host:port/database")?;
    match url.expose().parse() {
        Ok(database) => Some(database),
        Err(fault) => {
            // The URL itself holds a password.
            env.fault(format!(
                "PLUMBLINE_DATABASE_URL: {fault}; it should be postgres://user:password@host:port/database"
            ));
            None
        }
    }
}

/// What follows the database, where anything does; it has as many connections.
fn following(env: &mut Reader, connections: u32) -> Option<Following> {
    let url = env.secret(
        "PLUMBLINE_DATABASE_REPLICA_URL",
        "a database that follows it, for reads that it is new enough for; none is asked where it is not set",
    );
    let max_age = env.millis(
        "PLUMBLINE_REPLICA_MAX_AGE_MILLIS",
        Duration::from_secs(60),
        &(Duration::from_millis(1)..=Duration::from_secs(3_600)),
        "how old that may be where nothing else says how new an answer has to be",
    );
    match url?.expose().parse::<Database>() {
        Ok(database) => Some(Following { options: database.options(store::APPLICATION), connections, max_age }),
        Err(fault) => {
            env.fault(format!("PLUMBLINE_DATABASE_REPLICA_URL: {fault}"));
            None
        }
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

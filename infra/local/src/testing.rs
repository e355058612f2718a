//! One private set of servers a test run, and a database and names of its own for every test.
//!
//! `./plumbline test` starts the servers once and names them to every test program in [`VARIABLE`]; a test program that is
//! started by itself starts its own.

pub mod child;
mod collector;
mod pauses;
mod redis;
mod replicated;
mod service;
mod stranger;
mod waiting;

use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::OnceCell;

pub use self::{
    child::Child,
    collector::{SpanCollector, attribute},
    pauses::Pauses,
    redis::PrivateRedis,
    replicated::ReplicatedPostgres,
    service::ServiceProcess,
    stranger::write_as_a_stranger,
    waiting::{PATIENCE, eventually, until},
};
use crate::{
    coordinators::{self, Coordinators},
    servers::{Addresses, Config, Server, Servers},
    traces,
};

/// The environment variable that names servers which run already: [`Addresses`] as JSON.
pub const VARIABLE: &str = "PLUMBLINE_TEST_SERVERS";
/// The environment variable that names coordinators which run already: their endpoints, with commas between them.
pub const COORDINATORS_VARIABLE: &str = "PLUMBLINE_TEST_COORDINATORS";
/// The environment variable that says which program stores the traces of tests' shops: `jaeger`, or `embedded` as when it
/// is missing.
pub const TRACES_VARIABLE: &str = "PLUMBLINE_TEST_TRACES";
/// What tests share.
pub const SET: [Server; 2] = [Server::Postgres, Server::Kafka];

static SERVERS: OnceCell<TestServers> = OnceCell::const_new();
static COORDINATORS: OnceCell<TestCoordinators> = OnceCell::const_new();
static COUNT: AtomicU32 = AtomicU32::new(0);

/// The servers that this test process shares: PostgreSQL and Kafka.
#[derive(Debug)]
pub struct TestServers {
    addresses: Addresses,
    bootstrap: String,
    /// Those that this process started.
    _own: Option<Servers>,
}

/// A fresh database, with a role that owns it.
#[derive(Debug, Clone)]
pub struct TestDatabase {
    url: String,
}

impl TestDatabase {
    /// Its connection URL.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl TestServers {
    /// Kafka's address.
    pub fn kafka_bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// Makes a fresh database whose name begins with `name`.
    ///
    /// # Panics
    /// When PostgreSQL refuses: then no test can go on.
    pub async fn database(&self, name: &str) -> TestDatabase {
        // On servers that several test programs share, the process tells them apart.
        let name = format!("{name}_{}_{}", std::process::id(), next());
        let made = self.addresses.postgres().create_database(&name, &name).await;
        TestDatabase { url: made.unwrap_or_else(|error| panic!("a test's database could not be made: {error}")) }
    }
}

/// The test run's servers, or this process's own, started at the first call. Those end with the process, however it ends.
///
/// # Panics
/// When they do not start: the message says what is missing, and how to get it.
pub async fn servers() -> &'static TestServers {
    SERVERS
        .get_or_init(async || {
            let given = std::env::var(VARIABLE).ok().map(|json| given(&json));
            let own = if given.is_none() { Some(start().await) } else { None };
            let addresses = given.or_else(|| own.as_ref().map(|own| own.addresses().clone())).unwrap_or_default();
            let bootstrap = addresses.kafka().bootstrap();
            TestServers { addresses, bootstrap, _own: own }
        })
        .await
}

/// The coordinators that this test process shares.
#[derive(Debug)]
pub struct TestCoordinators {
    endpoints: Vec<String>,
    /// The one that this process started.
    _own: Option<Coordinators>,
}

impl TestCoordinators {
    /// Where they are reached. Every test puts a [`prefix`] of its own before its keys.
    pub fn endpoints(&self) -> &[String] {
        &self.endpoints
    }
}

/// The test run's coordinators, or one of this process's own, started at the first call; it ends with the process.
/// Apart from [`servers`], so that only who needs a coordinator needs its program.
///
/// # Panics
/// When it does not start: the message says what is missing, and how to get it.
pub async fn coordinators() -> &'static TestCoordinators {
    COORDINATORS
        .get_or_init(async || match std::env::var(COORDINATORS_VARIABLE) {
            Ok(given) => TestCoordinators { endpoints: given.split(',').map(str::to_owned).collect(), _own: None },
            Err(_) => {
                let own = private_coordinators(1).await;
                TestCoordinators { endpoints: own.endpoints(), _own: Some(own) }
            }
        })
        .await
}

/// A cluster of a test's own, which it may kill, pause and restart.
///
/// # Panics
/// When it does not start.
pub async fn private_coordinators(members: u16) -> Coordinators {
    let started = async { Coordinators::start(coordinators::Config::test(members)?).await };
    started.await.unwrap_or_else(|error| panic!("the tests' coordinators did not start: {error}"))
}

/// Which program is to store the traces of tests' shops.
///
/// # Panics
/// When [`TRACES_VARIABLE`] names none.
pub fn trace_store() -> traces::Kind {
    match std::env::var(TRACES_VARIABLE).as_deref() {
        Err(_) | Ok("embedded") => traces::Kind::Embedded,
        Ok("jaeger") => traces::Kind::Jaeger,
        Ok(other) => panic!("{TRACES_VARIABLE} is neither embedded nor jaeger, but {other:?}"),
    }
}

/// A Redis server of a test's own, which it may kill, pause, restart and give other data.
///
/// # Panics
/// When it does not start.
pub async fn private_redis() -> PrivateRedis {
    let started = PrivateRedis::start().await;
    started.unwrap_or_else(|error| panic!("the tests' Redis did not start: {error}"))
}

/// A PostgreSQL with a replica that no other test has before this one, or after it.
///
/// # Panics
/// When they do not start.
pub async fn private_replicated_postgres() -> Servers {
    let started = replicated::start().await;
    started.unwrap_or_else(|error| panic!("the tests' replicated PostgreSQL did not start: {error}"))
}

/// A PostgreSQL with a replica that a test has to itself for as long as it runs.
///
/// # Panics
/// When they do not start.
pub async fn replicated_postgres() -> ReplicatedPostgres {
    let taken = ReplicatedPostgres::take().await;
    taken.unwrap_or_else(|error| panic!("the tests' replicated PostgreSQL did not start: {error}"))
}

fn given(json: &str) -> Addresses {
    serde_json::from_str(json)
        .unwrap_or_else(|error| panic!("{VARIABLE} does not hold the addresses of servers: {error}"))
}

async fn start() -> Servers {
    let servers = Servers::start(Config::test(SET), |_| {}).await;
    servers.unwrap_or_else(|error| panic!("the tests' servers did not start: {error}"))
}

/// What a test puts in front of its topics and keys: no other test on the same servers has it.
pub fn prefix() -> String {
    format!("t{}-{}-", std::process::id(), next())
}

fn next() -> u32 {
    COUNT.fetch_add(1, Ordering::Relaxed)
}

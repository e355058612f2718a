//! One private set of servers a test run, and a database and names of its own for every test.

use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::OnceCell;

use crate::servers::{Config, Server, Servers};

static SERVERS: OnceCell<TestServers> = OnceCell::const_new();
static COUNT: AtomicU32 = AtomicU32::new(0);

/// The servers that this test process shares: PostgreSQL and Kafka.
#[derive(Debug)]
pub struct TestServers {
    servers: Servers,
    bootstrap: String,
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
        let name = format!("{name}_{}", next());
        let made = self.servers.addresses().postgres().create_database(&name, &name).await;
        TestDatabase { url: made.unwrap_or_else(|error| panic!("a test's database could not be made: {error}")) }
    }
}

/// The process's servers, started at the first call. They end with the process, however it ends.
///
/// # Panics
/// When they do not start: the message says what is missing, and how to get it.
pub async fn servers() -> &'static TestServers {
    SERVERS
        .get_or_init(async || {
            let config = Config::test([Server::Postgres, Server::Kafka]);
            let servers = Servers::start(config, |_| {}).await;
            let servers = servers.unwrap_or_else(|error| panic!("the tests' servers did not start: {error}"));
            let bootstrap = servers.addresses().kafka().bootstrap();
            TestServers { servers, bootstrap }
        })
        .await
}

/// What a test puts in front of its topics and keys: no other test on the same servers has it.
pub fn prefix() -> String {
    format!("t{}-{}-", std::process::id(), next())
}

fn next() -> u32 {
    COUNT.fetch_add(1, Ordering::Relaxed)
}

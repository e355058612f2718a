//! A shop for one test: a database, topics and consumer groups of its own, instances of the order service, and an
//! inventory whose every word the test says itself, over Kafka.

mod client;
mod inventory;
mod news;
mod process;
mod servers;

use std::collections::HashMap;

pub(crate) use local::testing::until;
use messaging::{Topics, admin};
use order::{app::App, config::Config};
use service::config::Reader;
use sqlx::PgPool;

pub(crate) use client::{Answer, Client, wanted};
pub(crate) use inventory::{Inventory, hops, quantity};
pub(crate) use news::News;
pub(crate) use process::Process;
use servers::Servers;

pub(crate) struct Shop {
    servers: Servers,
    topics: Topics,
    /// The order service's database.
    pub(crate) database: PgPool,
    database_url: String,
    pub(crate) inventory: Inventory,
}

impl Shop {
    /// A shop that sells A for 2.55, B for 1.00 and C for 0.10 pounds.
    pub(crate) async fn open() -> Self {
        let servers = Servers::start().await;
        let database_url = servers.new_database("order").await;
        Self::open_on(database_url).await
    }

    /// The same on a database of the test's own.
    pub(crate) async fn open_on(database_url: String) -> Self {
        let servers = Servers::start().await;
        let prefix = local::testing::prefix();
        let topics = Topics::with_prefix(&prefix);
        admin::ensure_topics(&servers.kafka, &topics).await.unwrap();
        let database = PgPool::connect(&database_url).await.unwrap();
        let inventory = Inventory::open(&servers, &topics).await;
        for (sku, minor) in [("A", 255), ("B", 100), ("C", 10)] {
            inventory.sells(sku, minor).await;
        }
        inventory.all_told().await;
        Self { servers, topics, database, database_url, inventory }
    }

    /// The variables an instance is started with.
    pub(crate) fn variables(&self) -> HashMap<String, String> {
        let prefix = self.topics.group("");
        [
            ("PLUMBLINE_LISTEN", "127.0.0.1:0"),
            ("PLUMBLINE_KAFKA_BOOTSTRAP", &self.servers.kafka),
            ("PLUMBLINE_TOPIC_PREFIX", &prefix),
            ("PLUMBLINE_DATABASE_URL", &self.database_url),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    /// Starts an instance, and waits until it takes orders.
    pub(crate) async fn instance(&self) -> Instance {
        self.instance_with(&[]).await
    }

    /// Starts an instance with some variables set, and waits until it takes orders.
    pub(crate) async fn instance_with(&self, variables: &[(&str, &str)]) -> Instance {
        let mut all = self.variables();
        all.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let mut env = Reader::from_map(all);
        let config = Config::read(&mut env);
        let app = App::build(env.finish(config).unwrap()).await.unwrap();
        let client = Client::new(app.address());
        client.ready().await;
        Instance { app, client }
    }

    /// Listens to what the order service publishes, from the beginning.
    pub(crate) fn news(&self) -> News {
        News::listen(&self.servers.kafka, &self.topics)
    }

    /// How many messages the dead-letter topics hold, of stock and of the catalogue.
    pub(crate) async fn dead_letters(&self) -> (i64, i64) {
        let (kafka, topics) = (self.servers.kafka.clone(), self.topics.clone());
        let counted = tokio::task::spawn_blocking(move || messaging::dead_letters::count(&kafka, &topics)).await;
        let counts: HashMap<_, _> = counted.unwrap().unwrap().into_iter().collect();
        (counts[&contracts::topics::Topic::Stock], counts[&contracts::topics::Topic::Catalog])
    }

    /// How many of inventory's messages have been taken.
    pub(crate) async fn taken(&self) -> i64 {
        self.number("SELECT coalesce(sum(next_offset), 0)::bigint FROM inbox_position").await
    }

    /// How many buckets each relay has that has any, in order.
    pub(crate) async fn relaying(&self) -> Vec<i64> {
        let counts = "SELECT count(*) FROM pg_locks
              WHERE locktype = 'advisory' AND granted AND classid::bigint = x'504c0001'::bigint
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
              GROUP BY pid ORDER BY 1";
        sqlx::query_scalar(counts).fetch_all(&self.database).await.unwrap()
    }

    /// A number from the database.
    pub(crate) async fn number(&self, query: &'static str) -> i64 {
        sqlx::query_scalar(query).fetch_one(&self.database).await.unwrap()
    }
}

/// A running instance, and a way to speak to it.
pub(crate) struct Instance {
    pub(crate) app: App,
    pub(crate) client: Client,
}

impl std::ops::Deref for Instance {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

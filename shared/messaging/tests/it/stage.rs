//! What every test here stands on: a database and topics of its own.

use std::{str::FromStr, time::Duration};

use contracts::{
    OrderId, StockLine, Timestamp,
    event::{OrderCancelled, OrderConfirmed},
    topics::Topic,
};
pub(crate) use local::testing::eventually;
use messaging::{BUCKETS, Topics, admin, outbox, relay};
use rdkafka::{
    ClientConfig, Message as _, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    message::{Headers, OwnedMessage},
};
use sqlx::{PgPool, postgres::PgConnectOptions};

pub(crate) struct Stage {
    pub(crate) bootstrap: String,
    pub(crate) topics: Topics,
    pub(crate) database: PgConnectOptions,
    pub(crate) pool: PgPool,
}

impl Stage {
    pub(crate) async fn new() -> Self {
        let servers = local::testing::servers().await;
        let database = servers.database("messaging").await;
        let database = PgConnectOptions::from_str(database.url()).unwrap();
        let pool = PgPool::connect_with(database.clone()).await.unwrap();
        sqlx::raw_sql(messaging::SCHEMA).execute(&pool).await.unwrap();
        let topics = Topics::with_prefix(local::testing::prefix());
        let bootstrap = servers.kafka_bootstrap().to_owned();
        admin::ensure_topics(&bootstrap, &topics).await.unwrap();
        Self { bootstrap, topics, database, pool }
    }

    pub(crate) fn relay(&self) -> relay::Handle {
        relay::start(self.relay_config())
    }

    pub(crate) fn relay_config(&self) -> relay::Config {
        relay::Config::new(&self.bootstrap, self.topics.clone(), self.database.clone())
    }

    /// How many buckets each relay has that has any, in order.
    pub(crate) async fn held(&self) -> Vec<i64> {
        let rows: Vec<(i32, i64)> = sqlx::query_as(
            "SELECT pid, count(*) FROM pg_locks
              WHERE locktype = 'advisory' AND granted AND classid::bigint = x'504c0001'::bigint
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
              GROUP BY pid",
        )
        .fetch_all(&self.pool)
        .await
        .unwrap();
        let mut counts: Vec<i64> = rows.into_iter().map(|(_, count)| count).collect();
        counts.sort_unstable();
        counts
    }

    /// Commits a frame for each order: its `n`th event.
    pub(crate) async fn say(&self, orders: &[OrderId], n: i64) {
        let mut batch = outbox::Batch::new("/plumbline/test");
        for order in orders {
            batch.push(order.bucket(BUCKETS), &numbered(*order, n), None);
        }
        let mut transaction = self.pool.begin().await.unwrap();
        batch.write(&mut transaction).await.unwrap();
        transaction.commit().await.unwrap();
    }

    pub(crate) async fn outbox_depth(&self) -> i64 {
        outbox::depth(&mut self.pool.acquire().await.unwrap()).await.unwrap().0
    }

    /// Everything that stands on a topic now.
    pub(crate) fn read_all(&self, name: &str) -> Vec<OwnedMessage> {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", &self.bootstrap)
            .set("group.id", "reader")
            .set("enable.partition.eof", "true")
            .create()
            .unwrap();
        let metadata = consumer.fetch_metadata(Some(name), Duration::from_secs(10)).unwrap();
        let partitions = metadata.topics()[0].partitions().len();
        let mut assignment = TopicPartitionList::new();
        for partition in 0..partitions {
            assignment.add_partition_offset(name, partition as i32, rdkafka::Offset::Beginning).unwrap();
        }
        consumer.assign(&assignment).unwrap();
        let (mut messages, mut ended) = (Vec::new(), 0);
        while ended < partitions {
            match consumer.poll(Duration::from_secs(10)).expect("the broker answers") {
                Ok(message) => messages.push(message.detach()),
                Err(rdkafka::error::KafkaError::PartitionEOF(_)) => ended += 1,
                Err(error) => panic!("{error}"),
            }
        }
        messages
    }

    pub(crate) fn orders_topic(&self) -> String {
        self.topics.name(Topic::Orders)
    }
}

/// An event that carries a number, in its time.
pub(crate) fn numbered(order_id: OrderId, n: i64) -> OrderCancelled {
    OrderCancelled { order_id, cancelled_at: Timestamp::from_unix_micros(n).unwrap() }
}

pub(crate) fn number(message: &[u8]) -> (OrderId, i64) {
    let event: OrderCancelled = serde_json::from_slice(message).unwrap();
    (event.order_id, event.cancelled_at.unix_micros())
}

pub(crate) fn confirmed(order_id: OrderId) -> OrderConfirmed {
    let line = StockLine { sku: "A".parse().unwrap(), quantity: 1.try_into().unwrap() };
    OrderConfirmed { order_id, lines: vec![line], decided_at: Timestamp::now() }
}

pub(crate) fn header(message: &OwnedMessage, name: &str) -> Option<String> {
    let headers = message.headers()?;
    let found = headers.iter().find(|header| header.key == name)?;
    Some(String::from_utf8(found.value?.to_vec()).unwrap())
}

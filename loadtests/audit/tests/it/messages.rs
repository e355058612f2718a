//! Messages that are not where they should be.

use std::time::Duration;

use audit::{Check, Database, Subject};
use contracts::{OrderId, Timestamp, event::OrderCancelled, topics::Topic};
use messaging::{Broken, Message, Topics, outbox, relay, tail};
use sqlx::PgPool;

use crate::world::{self, World, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn what_was_never_sent_is_found_in_either_database() {
    for database in [Database::Order, Database::Inventory] {
        let world = World::new().await;
        let pool = if database == Database::Order { &world.order } else { &world.inventory };
        let id: i64 = sqlx::query_scalar(
            "INSERT INTO outbox (bucket, message_count, messages, written_at) VALUES (0, 3, '', '2010-12-01T08:26:00Z')
             RETURNING id",
        )
        .fetch_one(pool)
        .await
        .unwrap();
        let found = "expected it to be sent and deleted, found 3 messages written at 2010-12-01T08:26:00Z";
        world.finds(Check::OutboxEmpty, Subject::Frame { database, id }, found).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_processed_is_found() {
    let mut world = World::new().await;
    world.prefix = world::topics(&world.source.kafka).await;
    let topics = Topics::with_prefix(&world.prefix);
    let database = world.inventory.connect_options();
    let relay = relay::start(relay::Config::new(&world.source.kafka, topics.clone(), (*database).clone()));
    let message = any_message(&world, &topics).await;
    let mut letters = outbox::Batch::new("/plumbline/test");
    letters.dead_letter(&message, &Broken::NoType, None);
    send(&world.inventory, letters).await;
    relay.stop().await;
    let subject = Subject::Topic(topics.dead_letter_name(Topic::Orders));
    world.finds(Check::DeadLettersEmpty, subject, "expected none, found 1 set aside").await;
}

/// A message as a consumer has it: only Kafka gives one.
async fn any_message(world: &World, topics: &Topics) -> Message {
    let mut events = outbox::Batch::new("/plumbline/test");
    events.push(0, &OrderCancelled { order_id: OrderId::generate(), cancelled_at: Timestamp::now() }, None);
    send(&world.inventory, events).await;
    let (heard, mut messages) = tokio::sync::mpsc::unbounded_channel();
    let (bootstrap, topics) = (world.source.kafka.clone(), topics.clone());
    let config = tail::Config { bootstrap, topics, topic: Topic::Orders, start: tail::Start::Earliest };
    let tail = tail::start(config, move |message| heard.send(message).unwrap()).unwrap();
    let message = tokio::time::timeout(Duration::from_secs(30), messages.recv()).await.unwrap().unwrap();
    tail.stop().await;
    message
}

/// Writes to the outbox, and waits until Kafka has it.
async fn send(database: &PgPool, batch: outbox::Batch) {
    let mut transaction = database.begin().await.unwrap();
    batch.write(&mut transaction).await.unwrap();
    transaction.commit().await.unwrap();
    eventually("Kafka has all messages", async || {
        outbox::depth(&mut database.acquire().await.unwrap()).await.unwrap().0 == 0
    })
    .await;
}

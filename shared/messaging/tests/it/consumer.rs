//! Every message takes effect once, whatever fails, and what can't be processed is set aside.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use contracts::{OrderId, event::OrderCancelled, topics::Topic};
use coordination::settings::Setting;
use messaging::{
    consumer::{self, Batch, Feed, HandleError, Handler},
    inbox, outbox,
};
use rdkafka::{
    ClientConfig, Message as _,
    message::{Header, OwnedHeaders},
    producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer},
};
use sqlx::PgPool;

use crate::stage::{Stage, eventually, header};

/// Writes each event's number down, once for every time it is taken.
struct Notes {
    pool: PgPool,
    failures: AtomicU32,
    broken: AtomicBool,
}

struct Taker(Arc<Notes>);

impl Handler for Taker {
    async fn handle(&self, batch: &Arc<Batch>, _feed: &mut Feed<'_>) -> Result<(), HandleError> {
        self.0.take(batch).await
    }
}

impl Notes {
    async fn take(&self, batch: &Batch) -> Result<(), HandleError> {
        let mut transaction = self.pool.begin().await?;
        inbox::advance(&mut transaction, batch.spans()).await?;
        let mut events = outbox::Batch::new("/plumbline/test");
        for message in &batch.messages {
            match message.decode::<OrderCancelled>() {
                Ok(event) => {
                    sqlx::query("INSERT INTO notes (order_id, n) VALUES ($1, $2)")
                        .bind(event.order_id.as_uuid())
                        .bind(event.cancelled_at.unix_micros())
                        .execute(&mut *transaction)
                        .await?;
                }
                Err(broken) => {
                    self.broken.store(true, Ordering::Relaxed);
                    events.dead_letter(message, &broken, message.trace);
                }
            }
        }
        events.write(&mut transaction).await?;
        if self.failures.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(1)).is_ok() {
            return Err(HandleError::Database(sqlx::Error::PoolTimedOut));
        }
        Ok(transaction.commit().await?)
    }
}

async fn notes(stage: &Stage, failures: u32) -> Arc<Notes> {
    // Transactions that take the same partition follow each other, so within an order `seq` tells who came first.
    let table = "CREATE TABLE IF NOT EXISTS notes (order_id uuid, n bigint, seq bigint GENERATED ALWAYS AS IDENTITY)";
    sqlx::query(table).execute(&stage.pool).await.unwrap();
    Arc::new(Notes { pool: stage.pool.clone(), failures: AtomicU32::new(failures), broken: AtomicBool::new(false) })
}

fn start(stage: &Stage, notes: &Arc<Notes>) -> consumer::Handle {
    let mut config = consumer::Config::new(&stage.bootstrap, stage.topics.clone(), "notes", vec![Topic::Orders]);
    config.batching.max = Setting::fixed(50);
    consumer::start(config, stage.pool.clone(), Taker(notes.clone())).unwrap()
}

async fn taken(stage: &Stage) -> Vec<(uuid::Uuid, i64)> {
    sqlx::query_as("SELECT order_id, n FROM notes ORDER BY seq").fetch_all(&stage.pool).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_message_takes_effect_once_and_in_order_through_failures_and_takeovers() {
    const EVENTS: i64 = 30;
    let stage = Stage::new().await;
    let orders: Vec<OrderId> = (0..40).map(|_| OrderId::generate()).collect();
    let notes = notes(&stage, 5).await;
    let relay = stage.relay();
    let mut consumer = start(&stage, &notes);
    let mut second = None;
    for n in 0..EVENTS {
        stage.say(&orders, n).await;
        relay.waker().wake();
        if n == EVENTS / 3 {
            second = Some(start(&stage, &notes));
        }
        if n == EVENTS * 2 / 3 {
            consumer.stop().await;
            consumer = start(&stage, &notes);
        }
    }
    let expected = orders.len() as i64 * EVENTS;
    eventually("all are taken", async || taken(&stage).await.len() as i64 >= expected).await;
    consumer.stop().await;
    if let Some(second) = second {
        second.stop().await;
    }
    relay.stop().await;

    let mut next: HashMap<uuid::Uuid, i64> = HashMap::new();
    for (order, n) in taken(&stage).await {
        let next = next.entry(order).or_default();
        assert_eq!(n, *next, "of order {order}");
        *next += 1;
    }
    assert!(next.len() == orders.len() && next.values().all(|&next| next == EVENTS));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_processed_is_set_aside_with_its_reason_and_the_rest_goes_on() {
    let stage = Stage::new().await;
    let notes = notes(&stage, 1).await;
    let producer: ThreadedProducer<DefaultProducerContext> =
        ClientConfig::new().set("bootstrap.servers", &stage.bootstrap).create().unwrap();
    let topic = stage.orders_topic();
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let headers = OwnedHeaders::new()
        .insert(Header { key: "traceparent", value: Some(trace) })
        .insert(Header { key: "baggage", value: Some("scenario=1") })
        .insert(Header { key: "ce_type", value: Some("plumbline.order.cancelled.v1") })
        .insert(Header { key: "ce_id", value: Some("42") });
    let record = BaseRecord::to(&topic).key("k").payload("{not json").headers(headers).partition(0);
    producer.send(record).map_err(|(error, _)| error).unwrap();
    producer.flush(std::time::Duration::from_secs(10)).unwrap();

    let order = OrderId::generate();
    stage.say(&[order], 0).await;
    let relay = stage.relay();
    let consumer = start(&stage, &notes);
    let dead = stage.topics.dead_letter_name(Topic::Orders);
    eventually("both are dealt with", async || {
        taken(&stage).await.len() == 1 && notes.broken.load(Ordering::Relaxed) && stage.outbox_depth().await == 0
    })
    .await;
    consumer.stop().await;
    relay.stop().await;

    let letters = stage.read_all(&dead);
    assert_eq!(letters.len(), 1, "set aside once, though its batch was tried twice");
    assert_eq!(letters[0].payload(), Some(&b"{not json"[..]));
    assert_eq!(header(&letters[0], "plumbline-partition").as_deref(), Some("0"));
    assert_eq!(header(&letters[0], "ce_type").as_deref(), Some("plumbline.order.cancelled.v1"));
    assert_eq!(header(&letters[0], "ce_id").as_deref(), Some("42"));
    assert_eq!(header(&letters[0], "traceparent").as_deref(), Some(trace), "its trace goes on");
    assert_eq!(header(&letters[0], "baggage").as_deref(), Some("scenario=1"));
    let reason = header(&letters[0], "plumbline-reason").unwrap();
    assert!(reason.contains("not a plumbline.order.cancelled.v1"), "{reason}");
    let counted = tokio::task::spawn_blocking(move || messaging::dead_letters::count(&stage.bootstrap, &stage.topics))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(counted, [(Topic::Orders, 1), (Topic::Stock, 0), (Topic::Catalog, 0)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_position_beyond_the_end_of_a_broker_that_lost_its_data_is_put_back() {
    let stage = Stage::new().await;
    let notes = notes(&stage, 0).await;
    for partition in 0..6 {
        sqlx::query("INSERT INTO inbox_position VALUES ($1, $2, 1000)")
            .bind(stage.orders_topic())
            .bind(partition)
            .execute(&stage.pool)
            .await
            .unwrap();
    }
    stage.say(&[OrderId::generate()], 0).await;
    let relay = stage.relay();
    let consumer = start(&stage, &notes);
    eventually("the message is taken", async || taken(&stage).await.len() == 1).await;
    consumer.stop().await;
    relay.stop().await;
}

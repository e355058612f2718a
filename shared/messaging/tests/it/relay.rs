//! What is committed arrives, in order, and leaves the outbox.

use std::collections::HashMap;

use contracts::OrderId;
use messaging::{BUCKETS, outbox};
use rdkafka::Message as _;
use telemetry::context::TraceContext;

use crate::stage::{Stage, confirmed, eventually, header, number};

#[tokio::test(flavor = "multi_thread")]
async fn an_event_arrives_as_a_cloud_event_with_its_key_and_trace() {
    let stage = Stage::new().await;
    let order = OrderId::generate();
    let trace: TraceContext = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".parse().unwrap();
    let mut batch = outbox::Batch::new("/plumbline/test");
    batch.push(order.bucket(BUCKETS), &confirmed(order), Some(trace));
    batch.write(&mut stage.pool.acquire().await.unwrap()).await.unwrap();
    let relay = stage.relay();
    eventually("the outbox is empty", async || stage.outbox_depth().await == 0).await;
    relay.stop().await;

    let messages = stage.read_all(&stage.orders_topic());
    assert_eq!(messages.len(), 1);
    let message = &messages[0];
    assert_eq!(message.key(), Some(order.to_string().as_bytes()));
    assert_eq!(header(message, "ce_specversion").as_deref(), Some("1.0"));
    assert_eq!(header(message, "ce_type").as_deref(), Some("plumbline.order.confirmed.v1"));
    assert_eq!(header(message, "ce_source").as_deref(), Some("/plumbline/test"));
    assert_eq!(header(message, "content-type").as_deref(), Some("application/json"));
    assert_eq!(header(message, "traceparent").as_deref(), Some(&*trace.to_string()));
    assert!(header(message, "ce_id").is_some() && header(message, "ce_time").is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_order_of_a_key_is_kept_through_lost_connections_and_a_second_relay() {
    const EVENTS: i64 = 40;
    let stage = Stage::new().await;
    let orders: Vec<OrderId> = (0..50).map(|_| OrderId::generate()).collect();
    let first = stage.relay();
    let mut second = None;
    for n in 0..EVENTS {
        stage.say(&orders, n).await;
        first.waker().wake();
        if n == EVENTS / 3 {
            second = Some(stage.relay());
        }
        if n == EVENTS / 2 {
            // Every connection but this one, the relays' among them.
            sqlx::query(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                  WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )
            .execute(&stage.pool)
            .await
            .unwrap();
        }
    }
    eventually("the outbox is empty", async || stage.outbox_depth().await == 0).await;
    first.stop().await;
    if let Some(second) = second {
        second.stop().await;
    }

    let mut next: HashMap<OrderId, i64> = HashMap::new();
    for message in stage.read_all(&stage.orders_topic()) {
        let (order, n) = number(message.payload().unwrap());
        let next = next.entry(order).or_default();
        // A frame may come twice; what comes for the first time comes in its turn.
        assert!(n <= *next, "event {n} of {order} before event {next}");
        *next = (*next).max(n + 1);
    }
    assert_eq!(next.len(), orders.len());
    assert!(next.values().all(|&next| next == EVENTS), "an event was lost");
}

#[tokio::test(flavor = "multi_thread")]
async fn living_relays_share_the_buckets_and_a_stopped_ones_are_taken_over() {
    let stage = Stage::new().await;
    let held = async || {
        let rows: Vec<(i32, i64)> = sqlx::query_as(
            "SELECT pid, count(*) FROM pg_locks
              WHERE locktype = 'advisory' AND granted AND classid::bigint = x'504c0001'::bigint
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
              GROUP BY pid",
        )
        .fetch_all(&stage.pool)
        .await
        .unwrap();
        let mut counts: Vec<i64> = rows.into_iter().map(|(_, count)| count).collect();
        counts.sort_unstable();
        counts
    };
    let first = stage.relay();
    eventually("one relay has all", async || held().await == [8]).await;
    let second = stage.relay();
    eventually("two relays have four each", async || held().await == [4, 4]).await;
    first.stop().await;
    eventually("the other has all", async || held().await == [8]).await;
    second.stop().await;
    eventually("nobody has any", async || held().await.is_empty()).await;
}

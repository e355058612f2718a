//! What is committed arrives, in order, and leaves the outbox.

use std::{collections::HashMap, time::Duration};

use contracts::OrderId;
use coordination::{
    Cluster, Config, Name,
    discovery::{self, Instance},
    election::{self, Candidate},
};
use futures::future;
use local::testing;
use messaging::{BUCKETS, outbox, relay};
use rdkafka::Message as _;
use telemetry::{
    baggage::Baggage,
    context::{Carried, TraceContext},
};

use crate::stage::{Stage, confirmed, eventually, header, number};

const SERVICE: Name = Name::literal("test");

#[tokio::test(flavor = "multi_thread")]
async fn an_event_arrives_as_a_cloud_event_with_its_key_and_trace() {
    let stage = Stage::new().await;
    let order = OrderId::generate();
    let trace: TraceContext = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".parse().unwrap();
    let mut batch = outbox::Batch::new("/plumbline/test");
    batch.push(
        order.bucket(BUCKETS),
        &confirmed(order),
        Carried { trace: Some(trace), baggage: Baggage::read([&b"scenario=1;p"[..]]) },
    );
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
    assert_eq!(header(message, "baggage").as_deref(), Some("scenario=1;p"));
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
    let first = stage.relay();
    eventually("one relay has all", async || stage.held().await == [8]).await;
    let second = stage.relay();
    eventually("two relays have four each", async || stage.held().await == [4, 4]).await;
    first.stop().await;
    eventually("the other has all", async || stage.held().await == [8]).await;
    second.stop().await;
    eventually("nobody has any", async || stage.held().await.is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn elected_owners_relay_and_it_goes_on_when_no_coordinator_answers() {
    let stage = Stage::new().await;
    let coordinators = testing::private_coordinators(1).await;
    let cluster = Cluster::new(Config::new(coordinators.endpoints(), "test")).unwrap();
    let join = |name: &str| {
        let candidate = Candidate { cluster: cluster.clone(), service: SERVICE, instance: name.parse().unwrap() };
        let found = Instance { id: candidate.instance.clone(), address: String::new(), load: 0 };
        let registration = discovery::register(&cluster, &SERVICE, found, Duration::from_secs(5));
        let config = relay::Config { candidate: Some(candidate), ..stage.relay_config() };
        (registration, relay::start(config))
    };
    let owner = async |bucket: u16| {
        let election = format!("test.relay.{bucket}").parse().unwrap();
        election::leader(&cluster, &election).await.unwrap().map(|leader| leader.candidate)
    };
    let (first_found, first) = join("first");
    eventually("one relay has all", async || stage.held().await == [8]).await;
    let (_second_found, second) = join("second");
    eventually("two relays have four each", async || stage.held().await == [4, 4]).await;
    eventually("four are elected each", async || {
        let owners = future::join_all((0..BUCKETS).map(owner)).await;
        ["first", "second"].iter().all(|name| owners.iter().flatten().filter(|owner| owner == name).count() == 4)
    })
    .await;

    coordinators.kill(0).await;
    let orders: Vec<OrderId> = (0..50).map(|_| OrderId::generate()).collect();
    stage.say(&orders, 0).await;
    eventually("all is sent without coordinators", async || stage.outbox_depth().await == 0).await;
    drop(first_found);
    first.stop().await;
    eventually("the other has all", async || stage.held().await == [8]).await;
    stage.say(&orders, 1).await;
    eventually("all is sent by the other", async || stage.outbox_depth().await == 0).await;
    coordinators.restart(0).await.unwrap();
    let (_third_found, third) = join("third");
    eventually("the coordinators' word counts again", async || stage.held().await == [4, 4]).await;
    second.stop().await;
    third.stop().await;
    coordinators.stop().await;
}

use contracts::{
    OrderId,
    event::{Event, OrderPlaced},
    stock::ReservationStatus::Held,
    topics::Topic,
};
use messaging::BUCKETS;
use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap};
use serde_json::json;

use crate::world::{World, placed, push, until};

/// Any JSON, as the placing of an order.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Claimed(serde_json::Value);

impl Event for Claimed {
    const TYPE: &'static str = OrderPlaced::TYPE;
    const TOPIC: Topic = Topic::Orders;

    fn key(&self) -> String {
        "claimed".to_owned()
    }
}

/// A type that nobody knows.
#[derive(Serialize, Deserialize)]
struct Exploded;

impl Event for Exploded {
    const TYPE: &'static str = "plumbline.order.exploded.v1";
    const TOPIC: Topic = Topic::Orders;

    fn key(&self) -> String {
        "exploded".to_owned()
    }
}

/// What is no JSON: an object of keys without values.
#[derive(Deserialize)]
struct Garbled;

impl Serialize for Garbled {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_key("order_id")?;
        map.serialize_key("lines")?;
        map.end()
    }
}

impl Event for Garbled {
    const TYPE: &'static str = OrderPlaced::TYPE;
    const TOPIC: Topic = Topic::Orders;

    fn key(&self) -> String {
        "garbled".to_owned()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_can_not_be_understood_goes_to_the_dead_letters_and_the_rest_goes_on() {
    let world = World::start().await;
    world.stock_up(&[("A", 10)]).await;
    keep_frames(&world).await;
    let (before, after) = (OrderId::generate(), OrderId::generate());
    let placed_with = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut value = serde_json::to_value(placed(OrderId::generate(), &[("A", 1)])).unwrap();
        change(&mut value);
        Claimed(value)
    };
    world
        .publish(|batch| {
            push(batch, &placed(before, &[("A", 1)]));
            batch.push(before.bucket(BUCKETS), &Garbled, None);
            batch.push(before.bucket(BUCKETS), &Exploded, None);
            batch.push(before.bucket(BUCKETS), &Claimed(json!(17)), None);
            batch.push(before.bucket(BUCKETS), &placed_with(&|order| order["lines"][0]["quantity"] = json!(0)), None);
            batch.push(before.bucket(BUCKETS), &placed_with(&|order| order["lines"][0]["sku"] = json!("a/b")), None);
            batch.push(before.bucket(BUCKETS), &placed_with(&|order| order["lines"] = json!([])), None);
            push(batch, &placed(after, &[("A", 1)]));
        })
        .await;
    for order in [before, after] {
        world.until_status(order, Held).await;
    }
    until("six dead letters", async || Some(()).filter(|()| world.dead_letters(Topic::Orders) == 6)).await;
    for reason in [
        "unknown event type \"plumbline.order.exploded.v1\"",
        "the value is not a plumbline.order.placed.v1: expected `:`",
        "the value is not a plumbline.order.placed.v1: invalid type: integer `17`",
        "must be a whole number from 1 to 1000000",
        "may hold only letters A to Z and a to z, digits, space, '_', '.' and '-', not '/'",
        "the order has no lines",
    ] {
        assert!(was_written(&world, reason).await, "{reason}");
    }
    world.settle().await;
    assert_eq!(world.level("A").await, (8, 2));
    assert_eq!(world.dead_letters(Topic::Orders), 6);
    world.end().await;
}

/// Keeps a copy of every frame, which the relay deletes.
async fn keep_frames(world: &World) {
    let keep = "CREATE TABLE written (messages bytea);
        CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN INSERT INTO written VALUES (NEW.messages); RETURN NEW; END';
        CREATE TRIGGER keep AFTER INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION keep()";
    sqlx::raw_sql(keep).execute(&world.database).await.unwrap();
}

/// Whether a frame holds `text` behind the name of the header for reasons.
async fn was_written(world: &World, text: &str) -> bool {
    let held = "SELECT count(*) FROM written WHERE position($1::bytea IN messages) > 0
        AND position('plumbline-reason'::bytea IN messages) > 0";
    let count: i64 = sqlx::query_scalar(held).bind(text.as_bytes()).fetch_one(&world.database).await.unwrap();
    count > 0
}

use contracts::{
    OrderId,
    event::{Event, OrderCancelled, OrderConfirmed, OrderPlaced},
};
use serde_json::json;

use crate::{
    producer::confirmation,
    world::{World, until},
};

fn counted(counts: &[(&str, u64)]) -> Vec<(String, u64)> {
    counts.iter().map(|(sku, count)| ((*sku).to_owned(), *count)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn learns_from_confirmed_orders_alone_and_from_each_once() {
    let world = World::open().await;
    let app = world.start(&[]).await;
    let mut producer = world.producer().await;
    let (one, two) = (OrderId::generate(), OrderId::generate());
    let placed = |id: OrderId| {
        let money = json!({"minor": 255, "currency": "GBP"});
        let lines = json!([{"sku": "A", "quantity": 1, "unit_price": money}, {"sku": "NEVER", "quantity": 1, "unit_price": money}]);
        let body = json!({"order_id": id, "lines": lines, "total": money, "placed_at": "2010-12-01T08:26:00Z"});
        (OrderPlaced::TYPE, id.to_string(), body.to_string())
    };
    let cancelled = |id: OrderId| {
        let body = json!({"order_id": id, "cancelled_at": "2010-12-01T08:26:00Z"});
        (OrderCancelled::TYPE, id.to_string(), body.to_string())
    };
    let broken = |event_type, value: &str| (event_type, "broken".to_owned(), value.to_owned());
    producer
        .send(&[
            placed(one),
            confirmation(one, &["A", "BANK CHARGES", "C"]),
            confirmation(one, &["A", "BANK CHARGES", "C"]),
            cancelled(one),
            broken(OrderConfirmed::TYPE, "no JSON"),
            broken(OrderConfirmed::TYPE, r#"{"order_id": 17}"#),
            broken("plumbline.order.exploded.v1", "{}"),
            confirmation(two, &["C", "A"]),
            confirmation(OrderId::generate(), &["D"]),
        ])
        .await;
    world.until_learnt(&app, 3).await;

    let (found, learnt) = world.recommendations(&app, "sku=A").await;
    assert_eq!((found, learnt), (counted(&[("C", 2), ("BANK CHARGES", 1)]), 3));
    assert_eq!(world.recommendations(&app, "sku=A&limit=1").await.0, counted(&[("C", 2)]));
    assert_eq!(world.recommendations(&app, "sku=BANK%20CHARGES&sku=A").await.0, counted(&[("C", 3)]));
    assert_eq!(world.recommendations(&app, "sku=D&sku=NONE").await.0, []);

    // What is learnt stands in the log: another instance, and one that starts anew, know the same as soon as they are
    // ready.
    world.until_ready(&app).await;
    app.stop().await;
    for _ in 0..2 {
        let again = world.start(&[]).await;
        world.until_ready(&again).await;
        assert_eq!(world.recommendations(&again, "sku=A").await, (counted(&[("C", 2), ("BANK CHARGES", 1)]), 3));
        again.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn knows_the_newest_orders_only_and_goes_on_after_it_has_caught_up() {
    let world = World::open().await;
    let mut producer = world.producer().await;
    let first = world.start(&[("PLUMBLINE_RECOMMENDATION_WINDOW", "100")]).await;
    let old: Vec<_> = (0..300).map(|_| confirmation(OrderId::generate(), &["A", "OLD"])).collect();
    producer.send(&old).await;
    world.until_learnt(&first, 100).await;
    let mut new = 0;
    until("the old ones to be forgotten", async || {
        producer.confirm(OrderId::generate(), &["A", "NEW"]).await;
        new += 1;
        let (found, learnt) = world.recommendations(&first, "sku=A").await;
        assert_eq!(learnt, 100);
        assert_eq!(found.iter().map(|(_, count)| count).sum::<u64>(), 100, "{found:?}");
        (found == counted(&[("NEW", 100)])).then_some(())
    })
    .await;

    let second = world.start(&[]).await;
    world.until_learnt(&second, 300 + new).await;
    assert_eq!(world.recommendations(&second, "sku=OLD&sku=NEW").await.0, counted(&[("A", 300 + new)]));
    producer.confirm(OrderId::generate(), &["A", "OLD"]).await;
    world.until_learnt(&second, 301 + new).await;
    first.stop().await;
    second.stop().await;
}

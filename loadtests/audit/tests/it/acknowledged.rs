//! Acknowledged orders and idempotency keys that are wrong.

use audit::{Acknowledged, Check, Subject, Violation};
use contracts::OrderId;

use crate::world::World;

const CHECK: Check = Check::AcknowledgedExists;

#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledged_order_that_is_gone_is_found() {
    let world = World::new().await;
    let id = world.orders.cancelled;
    world.in_order(format!("DELETE FROM orders WHERE id = '{id}'")).await;
    world.in_order(format!("DELETE FROM idempotency WHERE order_id = '{id}'")).await;
    world.in_inventory(format!("DELETE FROM reservations WHERE order_id = '{id}'")).await;
    let found = r#"expected an order, acknowledged under "r1-4" (run r1), found none"#;
    world.finds_order(CHECK, id, found).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledged_order_without_its_key_is_found() {
    let world = World::new().await;
    let id = world.orders.other;
    world.in_order(format!("DELETE FROM idempotency WHERE order_id = '{id}'")).await;
    let found = r#"expected its key "r1-1" (run r1) to be stored, found it nowhere"#;
    world.finds_order(CHECK, id, found).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_stands_for_another_order_is_found() {
    let world = World::new().await;
    let (id, other) = (world.orders.other, world.orders.unkeyed);
    world.in_order(format!("UPDATE idempotency SET order_id = '{other}' WHERE order_id = '{id}'")).await;
    let found = format!(r#"expected its key "r1-1" (run r1) to stand for it, found it to stand for {other}"#);
    world.finds_order(CHECK, id, &found).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_under_two_keys_is_found() {
    let world = World::new().await;
    let id = world.orders.other;
    world.in_order(format!("INSERT INTO idempotency (key, body_hash, order_id) VALUES ('s', '', '{id}')")).await;
    world.finds_order(CHECK, id, r#"expected one idempotency key, found 2: "r1-1", "s""#).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_was_acknowledged_twice_is_found() {
    let mut world = World::new().await;
    let id = world.orders.other;
    world.acknowledged.push(Acknowledged { run: "r2".into(), id: Some(id), key: "r2-0".into() });
    let found = r#"expected one key, found it acknowledged under "r1-1" (run r1) and "r2-0" (run r2)"#;
    world.finds_order(CHECK, id, found).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_for_which_two_orders_were_acknowledged_is_found() {
    let mut world = World::new().await;
    let (id, other) = (world.orders.other, world.orders.unkeyed);
    world.acknowledged.push(Acknowledged { run: "r2".into(), id: Some(other), key: "r1-1".into() });
    let found = format!("expected one order, found {id} (run r1) and {other} (run r2) acknowledged under it");
    world.finds(CHECK, Subject::Key("r1-1".into()), &found).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_for_nothing_is_found_whether_it_was_answered_or_not() {
    let world = World::new().await;
    let [lost, unknown] = [OrderId::generate(), OrderId::generate()];
    for (key, id) in [("r1-lost", lost), ("nobodys", unknown)] {
        world
            .in_order(format!("INSERT INTO idempotency (key, body_hash, order_id) VALUES ('{key}', '', '{id}')"))
            .await;
    }
    let violation = |key: &str, id| {
        let what = format!("expected it to stand for an order, found none with its id {id}");
        Violation { subject: Subject::Key(key.into()), what }
    };
    let mut wrong = world.wrong().await;
    wrong[0].1.sort_by_key(|violation| violation.subject == Subject::Key("nobodys".into()));
    assert_eq!(wrong, [(CHECK, vec![violation("r1-lost", lost), violation("nobodys", unknown)])]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_without_an_answer_may_exist() {
    let world = World::new().await;
    let id = world.orders.unkeyed;
    world.in_order(format!("INSERT INTO idempotency (key, body_hash, order_id) VALUES ('r1-lost', '', '{id}')")).await;
    assert_eq!(world.wrong().await, []);
}

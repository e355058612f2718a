//! Stock that is promised and was never there, as instances leave it that decide at once and without a lock.

use std::time::Duration;

use audit::Check;
use sqlx::PgPool;

use crate::world::{World, oversold, sku};

/// What an instance has read of A before it decides.
async fn reads(inventory: &PgPool) -> (i64, i64) {
    sqlx::query_as("SELECT available, reserved FROM stock WHERE sku = 'A'").fetch_one(inventory).await.unwrap()
}

/// What it writes when it has reserved so many, whatever stands there by now.
async fn writes(world: &World, (available, reserved): (i64, i64), pieces: i64) {
    let (available, reserved) = (available - pieces, reserved + pieces);
    world
        .in_inventory(format!("UPDATE stock SET available = {available}, reserved = {reserved} WHERE sku = 'A'"))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_that_was_lost_is_found_before_anything_is_oversold() {
    let world = World::new().await;
    let (one, other) = (reads(&world.inventory).await, reads(&world.inventory).await);
    world.confirms(1, 10).await;
    writes(&world, one, 1).await;
    world.confirms(2, 10).await;
    writes(&world, other, 2).await;
    let found = "expected 2 available and 6 reserved (adjustments add up to 8, live reservations to 6), found 3 and 5: \
        1 reserved count as available, as after an update that was lost";
    world.finds(Check::StockAddsUp, sku("A"), found).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_two_instances_have_sold_twice_is_found_with_its_orders() {
    let world = World::new().await;
    let (one, other) = (reads(&world.inventory).await, reads(&world.inventory).await);
    let first = world.confirms(3, 10).await;
    writes(&world, one, 3).await;
    let second = world.confirms(2, 11).await;
    let third = world.confirms(2, 12).await;
    writes(&world, other, 4).await;
    let lost = "expected -2 available and 10 reserved (adjustments add up to 8, live reservations to 10), found 1 and \
        7: 3 reserved count as available, as after an update that was lost";
    let found = oversold(8, 10, &[("order", third, 2, 38)]);
    world.finds_all(sku("A"), &[(Check::StockAddsUp, lost), (Check::StockNotOversold, &found)]).await;

    // As much of it as nothing was left for.
    world.in_inventory("UPDATE stock_adjustments SET delta = 8 WHERE delta = 10").await;
    let lost =
        "expected -4 available and 10 reserved (adjustments add up to 6, live reservations to 10), found 1 and 7";
    let found = oversold(6, 10, &[("order", third, 2, 38), ("order", second, 2, 37)]);
    world.finds_all(sku("A"), &[(Check::StockAddsUp, lost), (Check::StockNotOversold, &found)]).await;
    world.in_inventory("UPDATE stock_adjustments SET delta = 7 WHERE delta = 8").await;
    let lost =
        "expected -5 available and 10 reserved (adjustments add up to 5, live reservations to 10), found 1 and 7";
    let found = oversold(5, 10, &[("order", third, 2, 38), ("order", second, 2, 37), ("order", first, 3, 36)]);
    world.finds_all(sku("A"), &[(Check::StockAddsUp, lost), (Check::StockNotOversold, &found)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn how_much_is_oversold_is_told_in_words_and_as_json() {
    let world = World::new().await;
    for minutes in 10..20 {
        world.confirms(1, minutes).await;
    }
    let report = world.audit(Duration::ZERO).await.unwrap();
    assert!(!report.passed());
    assert_eq!(report.counts.oversold, 5);
    let words = report.to_string();
    assert!(words.contains("with 4 adjustments, oversold by 5\n"), "{words}");
    assert!(words.contains("stock_not_oversold                   1 wrong"), "{words}");
    let json = serde_json::to_value(&report).unwrap();
    let check = json["checks"].as_array().unwrap().iter().find(|check| check["name"] == "stock_not_oversold").unwrap();
    assert_eq!((&json["counts"]["oversold"], &check["violations"]), (&5.into(), &1.into()));
    let what = check["first"][0]["what"].as_str().unwrap();
    assert!(
        what.contains("found 13: oversold by 5; last came order ") && what.matches("with 1 at").count() == 5,
        "{what}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_given_back_or_was_refused_is_not_oversold() {
    let world = World::new().await;
    let [cancelled, rejected] = [world.orders.cancelled, world.orders.rejected];
    let lines = r#"lines = '[{"sku": "C", "quantity": 900}]'"#;
    world
        .in_inventory(format!("UPDATE reservations SET {lines} WHERE order_id IN ('{cancelled}', '{rejected}')"))
        .await;
    assert_eq!(world.wrong().await, []);
}

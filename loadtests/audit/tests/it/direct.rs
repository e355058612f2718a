//! Reservations that were asked for by themselves, without an order.

use std::time::Duration;

use audit::{Check, Subject};
use contracts::OrderId;

use crate::world::{World, oversold, sku};

impl World {
    /// A direct reservation of so many A, HELD. The stock knows nothing of it.
    async fn reserves_directly(&self, pieces: i64) -> OrderId {
        let id = OrderId::generate();
        let lines = format!(r#"'[{{"sku": "A", "quantity": {pieces}}}]'"#);
        self.in_inventory(format!(
            "INSERT INTO reservations (order_id, status, lines, decided_at, direct)
             VALUES ('{id}', 0, {lines}, '2010-12-01T08:55:00Z', true)"
        ))
        .await;
        id
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn they_need_no_order_and_are_counted() {
    let world = World::new().await;
    world.reserves_directly(2).await;
    world.reserves_directly(3).await;
    world.balance().await;
    let report = world.audit(Duration::ZERO).await.unwrap();
    assert!(report.passed(), "{report}");
    assert_eq!((report.counts.reservations.total(), report.counts.reservations.direct), (8, 2));
    let counts = "reservations              8  2 confirmed, 2 held, 2 rejected, 2 released; 2 of them direct\n";
    assert!(report.to_string().contains(counts), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_they_hold_counts_for_the_stock() {
    let world = World::new().await;
    world.reserves_directly(2).await;
    let found = "expected 3 available and 5 reserved (adjustments add up to 8, live reservations to 5), found 5 and 3: \
        2 reserved count as available, as after an update that was lost";
    world.finds(Check::StockAddsUp, sku("A"), found).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_they_hold_can_be_oversold() {
    let world = World::new().await;
    let id = world.reserves_directly(6).await;
    let lost = "expected -1 available and 9 reserved (adjustments add up to 8, live reservations to 9), found 5 and 3: \
        6 reserved count as available, as after an update that was lost";
    let found = oversold(8, 9, &[("direct reservation", id, 6, 55)]);
    world.finds_all(sku("A"), &[(Check::StockAddsUp, lost), (Check::StockNotOversold, &found)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_stands_for_an_order_is_found() {
    let world = World::new().await;
    let id = world.orders.other;
    world.in_inventory(format!("UPDATE reservations SET direct = true WHERE order_id = '{id}'")).await;
    let found = "expected no order for a direct reservation, found a CONFIRMED one";
    world.finds(Check::ReservationHasOrder, Subject::Order(id), found).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_not_direct_still_needs_its_order() {
    let world = World::new().await;
    let id = world.reserves_directly(1).await;
    world.balance().await;
    world.in_inventory(format!("UPDATE reservations SET direct = false WHERE order_id = '{id}'")).await;
    world.finds_order(Check::ReservationHasOrder, id, "expected an order, found only a HELD reservation").await;
}

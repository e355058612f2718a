//! Orders that are wrong.

use audit::{Check, Subject};
use contracts::OrderId;

use crate::world::World;

impl World {
    async fn set_order(&self, id: OrderId, set: &str) {
        self.in_order(format!("UPDATE orders SET {set} WHERE id = '{id}'")).await;
    }

    /// The stock follows, so that it is right by itself.
    async fn set_reservation(&self, id: OrderId, set: &str) {
        self.in_inventory(format!("UPDATE reservations SET {set} WHERE order_id = '{id}'")).await;
        self.balance().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirmed_order_without_its_stock_is_found() {
    let world = World::new().await;
    let id = world.orders.confirmed;
    world.set_reservation(id, "status = 3").await;
    let check = Check::ConfirmedIsReserved;
    world.finds_order(check, id, "expected a live reservation, found a RELEASED one").await;
    world.in_inventory(format!("DELETE FROM reservations WHERE order_id = '{id}'")).await;
    world.finds_order(check, id, "expected a live reservation, found none").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_pieces_than_were_ordered_are_found() {
    let world = World::new().await;
    let id = world.orders.confirmed;
    world.set_reservation(id, r#"lines = '[{"sku": "A", "quantity": 3}]'"#).await;
    let found = "expected its lines to be reserved, found 2 of A ordered and 3 reserved, 1 of B ordered and 0 reserved";
    world.finds_order(Check::ConfirmedIsReserved, id, found).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirmed_order_that_inventory_does_not_know_of_is_found() {
    let world = World::new().await;
    let id = world.orders.other;
    world.set_reservation(id, "status = 0").await;
    let found = "expected a CONFIRMED reservation, found a HELD one, which will expire";
    world.finds_order(Check::ConfirmedIsSettled, id, found).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stock_kept_for_an_order_that_ended_is_found() {
    let check = Check::RejectedOrCancelledHoldsNothing;
    let world = World::new().await;
    world.set_reservation(world.orders.cancelled, "status = 1").await;
    let found = "expected no live reservation for a CANCELLED order, found a CONFIRMED one: 1 of A";
    world.finds_order(check, world.orders.cancelled, found).await;

    let world = World::new().await;
    world.set_reservation(world.orders.expired, "status = 0").await;
    let found = "expected no live reservation for a REJECTED order, found a HELD one: 1 of B";
    world.finds_order(check, world.orders.expired, found).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reservation_for_nobody_is_found() {
    let world = World::new().await;
    let id = world.orders.unkeyed;
    world.in_order(format!("DELETE FROM orders WHERE id = '{id}'")).await;
    world.finds_order(Check::ReservationHasOrder, id, "expected an order, found only a REJECTED reservation").await;
    world.set_reservation(id, r#"status = 0, lines = '[{"sku": "C", "quantity": 1}]'"#).await;
    world.finds_order(Check::ReservationHasOrder, id, "expected an order, found only a HELD reservation").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_total_that_is_not_the_sum_of_the_lines_is_found() {
    let world = World::new().await;
    let id = world.orders.confirmed;
    world.set_order(id, "total_minor = 600").await;
    let found = "expected a total of 610, as its lines add up to, found 600 (minor units of GBP)";
    world.finds_order(Check::TotalsAddUp, id, found).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_that_no_order_can_have_are_found() {
    let world = World::new().await;
    let id = world.orders.cancelled;
    world.set_order(id, "lines = '[]', total_minor = 0").await;
    world.finds_order(Check::TotalsAddUp, id, "expected at least one line, found none").await;
    world
        .set_order(
            id,
            r#"lines = '[{"sku": "A", "quantity": 0, "unit_price": {"minor": 5, "currency": "GBP"}},
                         {"sku": "A", "quantity": 1, "unit_price": {"minor": 0, "currency": "EUR"}}]'"#,
        )
        .await;
    let found = "expected at least 1 of A, found 0; expected each SKU once, found A again; expected A to be priced in \
        GBP, found EUR";
    world.finds_order(Check::TotalsAddUp, id, found).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejection_without_a_reason_is_found() {
    let world = World::new().await;
    let id = world.orders.rejected;
    world.set_order(id, "rejection = NULL").await;
    world.finds_order(Check::RejectionSaysWhy, id, "expected why it was rejected, found nothing").await;
    world.set_order(id, r#"rejection = '{"reason": "weather"}'"#).await;
    let found = r#"expected "insufficient_stock" or "reservation_expired" as its reason, found "weather""#;
    world.finds_order(Check::RejectionSaysWhy, id, found).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejection_for_what_did_not_lack_is_found() {
    let world = World::new().await;
    let id = world.orders.rejected;
    world.set_order(id, "rejection = jsonb_set(rejection, '{lines,0,available}', '9')").await;
    let found = "expected fewer than 9 of C to have been available, found 9";
    world.finds_order(Check::RejectionSaysWhy, id, found).await;
    world.set_order(id, "rejection = jsonb_set(rejection, '{lines}', '[]')").await;
    world.finds_order(Check::RejectionSaysWhy, id, "expected at least one line that lacked, found none").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirmed_order_that_says_why_it_was_rejected_is_found() {
    let world = World::new().await;
    let id = world.orders.confirmed;
    world.set_order(id, r#"rejection = '{"reason": "reservation_expired"}'"#).await;
    let found = r#"expected no rejection of a CONFIRMED order, found "reservation_expired""#;
    world.finds_order(Check::RejectionSaysWhy, id, found).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_waits_is_found() {
    let world = World::new().await;
    let id = world.orders.confirmed;
    world.set_order(id, "status = 0").await;
    let found = "expected a decision, found it PENDING, placed at 2010-12-01T08:26:00Z";
    world.finds(Check::EveryOrderIsFinal, Subject::Order(id), found).await;
}

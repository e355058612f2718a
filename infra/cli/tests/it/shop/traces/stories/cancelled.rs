//! Orders whose customers change their minds.

use contracts::order::OrderStatus;
use local::shop::Shop;

use super::INVENTORY;
use crate::shop::traces::{
    customer::Customer,
    model::{Span, Trace},
    stories::is_final,
};

/// The cancellation's trace, as it is when the order knows that its stock is given back.
fn is_given_back(trace: &Trace) -> bool {
    trace.outcomes("order", "process stock.v1") == ["released"]
}

pub(super) async fn after_the_decision(customer: &Customer<'_>) {
    let placed = customer.orders(1, &[("Prefer", "wait=20")]).await;
    assert_eq!(placed.body.status, OrderStatus::Confirmed);
    customer.is_told(&placed.trace, is_final).await;
    let cancelled = customer.cancels(&placed.body).await;
    let trace = customer.is_told(&cancelled.trace, is_given_back).await;
    let done = trace.of("order", "cancel order")[0];
    assert_eq!(done.text("plumbline.outcome"), Some("cancelled"));
    assert_eq!(done.text("plumbline.order.id"), Some(&*placed.body.id.to_string()));
    assert!(done.wait("plumbline.wait.pool").is_some());
    for statement in ["SELECT orders FOR UPDATE", "UPDATE orders", "INSERT outbox", "COMMIT"] {
        let is_below = |span: &&&Span| span.parent(&trace.id) == Some(&done.id);
        assert_eq!(trace.of("order", statement).iter().filter(is_below).count(), 1, "{statement}");
    }
    assert_eq!(trace.outcomes("inventory", "process orders.v1"), ["released"]);

    let again = customer.cancels(&placed.body).await;
    let trace = customer.is_told(&again.trace, |trace| trace.has("order: cancel order")).await;
    assert_eq!(trace.outcomes("order", "cancel order"), ["unchanged"]);
    assert!(!trace.has("order: send orders.v1"), "nothing follows: {:?}", trace.shape());
}

pub(super) async fn before_the_decision(customer: &Customer<'_>, shop: &Shop) {
    shop.pause(INVENTORY).await.unwrap();
    let placed = customer.orders(1, &[]).await;
    let cancelled = customer.cancels(&placed.body).await;
    shop.resume(INVENTORY).await.unwrap();
    let trace = customer.is_told(&cancelled.trace, is_given_back).await;
    assert_eq!(trace.outcomes("inventory", "process orders.v1"), ["released"]);

    // Inventory's decision comes to an order that is cancelled already.
    let told = |trace: &Trace| !trace.outcomes("order", "process stock.v1").is_empty();
    let trace = customer.is_told(&placed.trace, told).await;
    assert_eq!(trace.outcomes("inventory", "process orders.v1"), ["reserved"]);
    assert_eq!(trace.outcomes("order", "process stock.v1"), ["CANCELLED"]);
    assert!(!trace.has("recommendation: process orders.v1"), "nobody confirms it: {:?}", trace.shape());
}

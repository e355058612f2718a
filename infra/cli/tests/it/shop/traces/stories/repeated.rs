//! A request that comes again under its key.

use crate::shop::traces::{customer::Customer, stories::is_final};

pub(super) async fn is_told(customer: &Customer<'_>) {
    let key = [("Idempotency-Key", "once-and-again")];
    let first = customer.orders(1, &key).await;
    customer.is_told(&first.trace, is_final).await;
    let again = customer.orders(1, &key).await;
    assert_eq!(again.body.id, first.body.id);
    assert_ne!(again.trace, first.trace);
    let trace = customer.is_told(&again.trace, |trace| trace.has("order: POST /orders")).await;
    let committed = trace.of("order", "commit order")[0];
    assert_eq!(committed.text("plumbline.outcome"), Some("repeated"));
    assert_eq!(committed.text("plumbline.order.id"), Some(&*first.body.id.to_string()), "the first one's");
    assert_eq!(trace.of("order", "SELECT idempotency").len(), 1);
    assert!(!trace.has("order: send orders.v1"), "nothing follows: {:?}", trace.shape());

    let other = customer.tries_to_order(2, &key).await;
    assert_eq!(other.status, 422);
    let trace = customer.is_told(&other.trace, |trace| trace.has("order: POST /orders")).await;
    assert_eq!(trace.outcomes("order", "commit order"), ["key_taken"]);
}

//! An order of more than there is.

use contracts::order::OrderStatus;

use crate::shop::traces::{customer::Customer, stories::is_final};

pub(super) async fn is_told(customer: &Customer<'_>) {
    let placed = customer.orders(900_000, &[("Prefer", "wait=20")]).await;
    assert_eq!(placed.body.status, OrderStatus::Rejected);
    let trace = customer.is_told(&placed.trace, is_final).await;
    assert_eq!(trace.outcomes("order", "commit order"), ["stored"]);
    assert_eq!(trace.outcomes("inventory", "process orders.v1"), ["rejected"]);
    assert_eq!(trace.outcomes("order", "process stock.v1"), ["REJECTED"]);
    assert_eq!(trace.of("order", "send orders.v1").len(), 1, "nobody hears of it any more");
    assert!(trace.of("order", "POST /orders")[0].wait("plumbline.wait.decision").is_some());
}

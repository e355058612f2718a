//! What a caller has its request carry.

use crate::shop::traces::{customer::Customer, stories::is_final};

pub(super) async fn is_told(customer: &Customer<'_>) {
    let baggage = ("baggage", "secret=none%20of%20yours, plumbline.scenario=a%20late%20order;why=test");
    let placed = customer.orders(1, &[baggage]).await;
    let trace = customer.is_told(&placed.trace, is_final).await;
    let told = [
        trace.of("order", "POST /orders"),
        trace.of("inventory", "process orders.v1"),
        trace.of("order", "process stock.v1"),
        trace.of("recommendation", "process orders.v1"),
    ];
    for span in told.into_iter().flatten() {
        assert_eq!(span.text("plumbline.scenario"), Some("a late order"), "{span:?}");
        assert_eq!(span.tag("secret"), None);
    }
}

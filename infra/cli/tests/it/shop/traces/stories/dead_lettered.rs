//! A message about an order that nobody can understand: it is set aside, and the order's trace says so.

use local::{shop::Shop, testing::write_as_a_stranger};

use super::is_final;
use crate::shop::traces::{
    customer::Customer,
    model::{Span, Trace},
};

fn set_aside<'a>(trace: &'a Trace, service: &str, topic: &str) -> Vec<&'a Span> {
    let taken = trace.of(service, &format!("process {topic}")).into_iter();
    taken.filter(|span| span.text("error.type") == Some("dead_letter")).collect()
}

pub(super) async fn is_told(customer: &Customer<'_>, shop: &Shop) {
    let placed = customer.orders(1, &[]).await;
    let trace = customer.is_told(&placed.trace, is_final).await;

    let kafka = shop.audit_source().kafka.to_string();
    let order = placed.body.id.to_string();
    for (topic, sender, event) in [
        ("orders.v1", "order", "plumbline.order.cancelled.v1"),
        ("stock.v1", "inventory", "plumbline.stock.reserved.v1"),
    ] {
        let sent = trace.of(sender, &format!("send {topic}"))[0];
        let traceparent = format!("00-{}-{}-01", trace.id, sent.id);
        let headers = [("ce_type", event), ("traceparent", &traceparent)];
        write_as_a_stranger(&kafka, topic, &headers, &order, "{\"order_id\": 7}").await;
    }

    let trace = customer
        .is_told(&placed.trace, |trace| {
            trace.has("inventory: send orders.v1.dlq") && trace.has("order: send stock.v1.dlq")
        })
        .await;
    for (service, topic) in [("inventory", "orders.v1"), ("order", "stock.v1")] {
        let [taken] = set_aside(&trace, service, topic)[..] else { panic!("{:?}", trace.shape()) };
        assert_eq!(taken.text("plumbline.outcome"), None, "nothing came of it");
        let [letter] = trace.of(service, &format!("send {topic}.dlq"))[..] else { panic!("{:?}", trace.shape()) };
        assert_eq!(letter.parent(&trace.id), Some(taken.id.as_str()));
    }
}

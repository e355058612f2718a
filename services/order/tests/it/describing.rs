//! The description of the API.

use std::collections::BTreeSet;

use contracts::order::OrderStatus;
use serde_json::Value;

use crate::shop::{Process, Shop};

#[tokio::test(flavor = "multi_thread")]
async fn the_description_has_every_url_and_refers_to_nothing_that_is_not_there() {
    let shop = Shop::open().await;
    let order_service = shop.instance().await;
    let description: Value = order_service.get("/openapi.json").await.json();
    let paths: BTreeSet<&str> = description["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        paths.into_iter().collect::<Vec<_>>(),
        ["/orders", "/orders/{id}", "/orders/{id}/cancel", "/orders/{id}/timeline"]
    );
    let read = &description["paths"]["/orders/{id}"]["get"];
    let names: Vec<_> =
        read["parameters"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Plumbline-Consistency", "Plumbline-Session", "id"]);
    for (status, count) in [("200", 5), ("404", 5), ("503", 1)] {
        assert_eq!(read["responses"][status]["headers"].as_object().unwrap().len(), count, "{status}: {read}");
    }
    assert!(description["paths"]["/orders"]["post"]["responses"]["202"]["headers"]["Plumbline-Session"].is_object());
    let mut references = BTreeSet::new();
    collect(&description, &mut references);
    assert!(references.contains("#/components/schemas/Problem"));
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(description.pointer(pointer).is_some(), "{reference}");
    }
}

fn collect(value: &Value, references: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            references.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|field| collect(field, references));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, references)),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_tell_of_orders_and_commits() {
    let shop = Shop::open().await;
    let process = Process::start(&shop, None).await;
    let order = process.client.place(&[("A", 1)]).await;
    shop.inventory.reserves(&order).await;
    process.client.until(order.id, OrderStatus::Confirmed).await;
    let answer = process.client.get("/metrics").await;
    let metrics = String::from_utf8(answer.body).unwrap();
    for metric in [
        "plumbline_order_placed_total 1",
        "plumbline_order_decided_total{plumbline_order_status=\"CONFIRMED\"} 1",
        "plumbline_order_decision_latency_seconds_count 1",
        "plumbline_order_commit_batch_size_count 1",
        "plumbline_order_commit_queue_wait_seconds_count 1",
        "plumbline_order_commit_duration_seconds_count 1",
    ] {
        assert!(metrics.contains(metric), "{metric} is not in:\n{metrics}");
    }
}

//! Orders whose database goes away in the middle, and comes back.

use std::time::Instant;

use local::{
    servers::Server,
    shop::{Part, Shop},
};

use super::INVENTORY;
use crate::shop::traces::{PATIENCE, customer::Customer, model::Trace, stories::is_final};

const DATABASE: Part = Part::Server(Server::Postgres);

/// Starts the database again. What a killed server leaves behind may hold its shared memory for a moment, and then it refuses.
async fn comes_back(shop: &Shop) {
    let begin = Instant::now();
    while let Err(refusal) = shop.restart(DATABASE).await {
        assert!(begin.elapsed() < PATIENCE, "{refusal}");
    }
}

/// A failed span names what failed.
fn failed<'a>(trace: &'a Trace, service: &str, name: &str) -> Vec<Option<&'a str>> {
    let spans = trace.of(service, name).into_iter();
    spans.filter(|span| span.tag("error").is_some()).map(|span| span.text("error.type")).collect()
}

pub(super) async fn while_it_is_stored(customer: &Customer<'_>, shop: &Shop) {
    shop.kill(DATABASE).await.unwrap();
    let (placed, _) = tokio::join!(customer.orders(1, &[]), comes_back(shop));
    assert_eq!(placed.status, 202);
    let trace = customer.is_told(&placed.trace, is_final).await;
    let stored = trace.of("order", "commit order")[0];
    let retries = stored.tag("plumbline.retries").and_then(|retries| retries.as_u64());
    let tries = failed(&trace, "order", "commit orders");
    assert!(!tries.is_empty() && retries == Some(tries.len() as u64), "{retries:?} {tries:?}");
    assert!(tries.iter().all(|class| *class == Some("database")), "{tries:?}");
    assert!(stored.wait("plumbline.wait.retry").is_some_and(|waited| waited > 0));
    assert_eq!(stored.text("plumbline.outcome"), Some("stored"));
}

pub(super) async fn while_it_is_decided(customer: &Customer<'_>, shop: &Shop) {
    shop.pause(INVENTORY).await.unwrap();
    let placed = customer.orders(1, &[]).await;
    customer.sees(&placed.trace, |trace| trace.has("order: send orders.v1")).await;
    shop.kill(DATABASE).await.unwrap();
    shop.resume(INVENTORY).await.unwrap();
    let has_failed = |trace: &Trace| !failed(trace, "inventory", "process orders.v1").is_empty();
    customer.sees(&placed.trace, has_failed).await;
    comes_back(shop).await;

    let trace = customer.is_told(&placed.trace, is_final).await;
    let tries = failed(&trace, "inventory", "process orders.v1");
    assert!(tries.iter().all(|class| *class == Some("database")), "{tries:?}");
    let taken = trace.of("inventory", "process orders.v1");
    let (last_failed, reserved) = (taken[tries.len() - 1], taken[tries.len()]);
    assert_eq!(reserved.text("plumbline.outcome"), Some("reserved"));
    let retries = reserved.tag("plumbline.retries").and_then(|retries| retries.as_u64());
    assert_eq!(retries, Some(tries.len() as u64));
    assert!(reserved.wait("plumbline.wait.retry").is_some());
    assert!(reserved.start_time >= last_failed.end(), "one try after the other: {last_failed:?} {reserved:?}");
}

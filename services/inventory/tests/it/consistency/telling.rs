//! How soon readers see a change that somebody else has made, and what policies that are switched do.

use contracts::OrderId;
use serde_json::json;

use super::stage::Stage;
use crate::world::{TOKEN, cancelled, push, until};

/// Every kind of change of stock is soon seen at another instance, though entries live for an hour.
async fn each_change_is_seen(stage: &Stage, mut available: i64) {
    let world = &stage.world;
    let seen = async |available: i64| {
        stage.until_shown(1, available).await;
        stage.until_cached(1, "/stock/A").await;
    };
    seen(available).await;
    stage.adjust(5, None).await;
    available += 5;
    seen(available).await;
    let order = world.place(&[("A", 3)]).await;
    seen(available - 3).await;
    world.publish(|batch| push(batch, &cancelled(order))).await;
    seen(available).await;
    let direct = OrderId::generate();
    assert_eq!(world.reserve(direct, &[("A", 2)]).await.0, 201);
    seen(available - 2).await;
    let path = format!("/reservations/{direct}");
    let release = world.request(reqwest::Method::DELETE, &path).bearer_auth(TOKEN).send().await.unwrap();
    assert_eq!(release.status(), 200);
    seen(available).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_is_soon_seen_by_all_whatever_made_it_and_policies_are_switched_live() {
    let stage = Stage::cached(2, &[]).await;
    each_change_is_seen(&stage, 10).await;
    products_too(&stage, "B").await;

    stage.set_policy("write-through").await;
    each_change_is_seen(&stage, 15).await;
    products_too(&stage, "C").await;
    // What is written through is not loaded again.
    for available in 21..25 {
        stage.until_cached(0, "/stock/A").await;
        stage.adjust(1, None).await;
        until("what was written to stand there", async || {
            let told = stage.read_of(1, "/stock/A", "eventual", None).await;
            assert_eq!(told.by, "cache");
            (told.stock().1 == available).then_some(())
        })
        .await;
    }

    stage.set_policy("off").await;
    until("all to be off", async || {
        let told = [stage.read_of(0, "/stock/A", "eventual", None).await, stage.stock("eventual", None).await];
        told.iter().all(|told| told.by == "primary").then_some(())
    })
    .await;
    stage.adjust(1, None).await;
    assert_eq!(stage.stock("eventual", None).await.stock(), ("primary", 25));
    stage.set_policy("aside").await;
    for instance in 0..2 {
        assert_eq!(stage.until_cached(instance, "/stock/A").await.stock().1, 25);
    }
    stage.end().await;
}

/// A product that is made after it was looked for in vain, and changed.
async fn products_too(stage: &Stage, sku: &str) {
    let (product, stock) = (format!("/products/{sku}"), format!("/stock/{sku}"));
    assert_eq!(stage.until_cached(1, &product).await.status, 404);
    assert_eq!(stage.until_cached(1, &stock).await.status, 404);
    for (name, status) in [("one", 201), ("other", 200)] {
        let body = json!({"name": name, "unit_price": {"minor": 1, "currency": "GBP"}});
        assert_eq!(stage.world.put(&product, body).await.0, status);
        until("the product to be seen", async || {
            let told = stage.read_of(1, &product, "eventual", None).await;
            (told.status == 200 && told.body["name"] == name).then_some(())
        })
        .await;
        stage.until_cached(1, &product).await;
    }
    until("its stock to be seen", async || {
        let told = stage.read_of(1, &stock, "eventual", None).await;
        (told.status == 200).then_some(())
    })
    .await;
}

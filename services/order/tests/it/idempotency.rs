//! `Idempotency-Key`: one order a key, and the first answer again.

use std::collections::HashSet;

use contracts::{event::OrderCancelled, order::OrderStatus};
use serde_json::json;

use crate::shop::{Shop, wanted};

const KEY: (&str, &str) = ("Idempotency-Key", "8e03978e-40d5-43dd-bc93-6894a57f9324");

#[tokio::test(flavor = "multi_thread")]
async fn twenty_equal_requests_at_once_over_two_instances_are_one_order() {
    let shop = Shop::open().await;
    let (instances, news) = ([shop.instance().await, shop.instance().await], shop.news());
    let sent: Vec<_> = (0..20)
        .map(|n| {
            let client = instances[n % 2].client.clone();
            tokio::spawn(async move { client.post(&wanted(&[("A", 2), ("B", 1)]), &[KEY]).await })
        })
        .collect();
    let (mut bodies, mut locations) = (HashSet::new(), HashSet::new());
    let mut id = None;
    for answer in sent {
        let answer = answer.await.unwrap();
        id = Some(answer.order(202).id);
        locations.insert(answer.header("location").unwrap().to_owned());
        bodies.insert(answer.body);
    }
    assert_eq!((bodies.len(), locations.len()), (1, 1));
    assert_eq!(shop.number("SELECT count(*) FROM orders").await, 1);
    // A later event of the same order comes behind all that the twenty had made of it.
    let id = id.unwrap();
    instances[0].cancel(id).await.order(200);
    news.first::<OrderCancelled>(id).await;
    assert_eq!(news.types(id), ["plumbline.order.placed.v1", "plumbline.order.cancelled.v1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_answer_is_repeated_whatever_became_of_the_order() {
    let shop = Shop::open().await;
    let order_service = shop.instance().await;
    let first = order_service.post(&wanted(&[("A", 1)]), &[KEY]).await;
    let order = first.order(202);
    shop.inventory.reserves(&order).await;
    order_service.until(order.id, OrderStatus::Confirmed).await;

    let again = order_service.post(&wanted(&[("A", 1)]), &[KEY]).await;
    assert_eq!((again.status, again.header("location")), (first.status, first.header("location")));
    assert_eq!(again.body, first.body);
    // Who waits wants the order as it is.
    let waited = order_service.post(&wanted(&[("A", 1)]), &[KEY, ("Prefer", "wait=5")]).await;
    assert_eq!(waited.order(200), order_service.read(order.id).await);
    assert_eq!(shop.number("SELECT count(*) FROM orders").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_request_can_wait_for_the_first_ones_order() {
    let shop = Shop::open().await;
    let order_service = shop.instance().await;
    let order = order_service.post(&wanted(&[("A", 1)]), &[KEY]).await.order(202);
    let client = order_service.client.clone();
    let waiting = tokio::spawn(async move { client.post(&wanted(&[("A", 1)]), &[KEY, ("Prefer", "wait=30")]).await });
    shop.inventory.rejects(&order).await;
    let answer = waiting.await.unwrap().order(200);
    assert_eq!((answer.id, answer.status), (order.id, OrderStatus::Rejected));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_may_be_written_in_another_way() {
    let shop = Shop::open().await;
    let order_service = shop.instance().await;
    let first = order_service.post(&json!({"lines": [{"sku": "A", "quantity": 3}]}), &[KEY]).await;
    first.order(202);
    for same in [
        json!({"customer_id": null, "lines": [{"quantity": 3.0, "sku": "A"}]}),
        json!({"lines": [{"sku": "A", "quantity": 1}, {"sku": "A", "quantity": 2}]}),
    ] {
        assert_eq!(order_service.post(&same, &[KEY]).await.body, first.body, "{same}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_used_with_another_request_is_refused() {
    let shop = Shop::open().await;
    let order_service = shop.instance().await;
    let first = order_service.post(&wanted(&[("A", 1)]), &[KEY]).await.order(202);
    for other in [
        wanted(&[("A", 2)]),
        wanted(&[("B", 1)]),
        wanted(&[("A", 1), ("B", 1)]),
        json!({"customer_id": "1", "lines": [{"sku": "A", "quantity": 1}]}),
        json!({"lines": [{"sku": "A", "quantity": 1}]}),
    ] {
        let problem = order_service.post(&other, &[KEY]).await.problem(422);
        assert_eq!(problem.kind, "urn:plumbline:problem:idempotency-key-reused");
    }
    assert_eq!(shop.number("SELECT count(*) FROM orders").await, 1);
    assert_eq!(order_service.post(&wanted(&[("A", 1)]), &[KEY]).await.order(202).id, first.id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_request_leaves_its_key_free() {
    let shop = Shop::open().await;
    let order_service = shop.instance().await;
    order_service.post(&wanted(&[("A", 0)]), &[KEY]).await.problem(400);
    order_service.post(&wanted(&[("A", 1)]), &[KEY]).await.order(202);
}

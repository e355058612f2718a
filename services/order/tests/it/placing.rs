//! Placing orders.

use contracts::{
    event::OrderPlaced,
    order::{Order, OrderStatus},
};
use serde_json::{Value, json};

use crate::shop::{Shop, wanted};

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_accepted_stored_and_published() {
    let shop = Shop::open().await;
    let (order_service, news) = (shop.instance().await, shop.news());
    let answer = order_service.post(&wanted(&[("B", 2), ("A", 1), ("B", 3)]), &[]).await;
    let order = answer.order(202);
    assert_eq!(answer.header("location"), Some(&*format!("/orders/{}", order.id)));
    let expected: Value = json!({
        "id": order.id, "status": "PENDING", "customer_id": "17850",
        "lines": [
            {"sku": "B", "quantity": 5, "unit_price": {"minor": 100, "currency": "GBP"}},
            {"sku": "A", "quantity": 1, "unit_price": {"minor": 255, "currency": "GBP"}},
        ],
        "total": {"minor": 755, "currency": "GBP"},
        "placed_at": order.placed_at, "decided_at": null, "rejection": null,
    });
    assert_eq!(answer.json::<Value>(), expected);
    assert_eq!(order_service.get(&format!("/orders/{}", order.id)).await.body, answer.body);

    let placed: OrderPlaced = news.first(order.id).await;
    assert_eq!((placed.lines, placed.total, placed.placed_at), (order.lines, order.total, order.placed_at));
    assert_eq!(placed.customer_id, order.customer_id);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_needs_no_customer() {
    let shop = Shop::open().await;
    let order_service = shop.instance().await;
    for body in [
        json!({"lines": [{"sku": "A", "quantity": 1}]}),
        json!({"customer_id": null, "lines": [{"sku": "A", "quantity": 1.0}]}),
    ] {
        let order = order_service.post(&body, &[]).await.order(202);
        assert_eq!(order_service.read(order.id).await.customer_id, None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_prefers_to_wait_gets_the_decision() {
    let shop = Shop::open().await;
    let order_service = shop.instance().await;
    let (client, lines) = (order_service.client.clone(), wanted(&[("A", 1)]));
    let waiting = tokio::spawn(async move { client.post(&lines, &[("Prefer", "wait=30")]).await });
    shop.inventory.reserves(&the_only_order(&shop, &order_service).await).await;
    let answer = waiting.await.unwrap();
    let order = answer.order(200);
    assert_eq!(order.status, OrderStatus::Confirmed);
    assert!(order.decided_at.unwrap() > order.placed_at);
    assert_eq!(answer.header("preference-applied"), Some("wait"));
    assert_eq!(order_service.read(order.id).await, order);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_in_vain_gets_the_order_as_it_is() {
    let shop = Shop::open().await;
    let order_service = shop.instance().await;
    for wait in ["wait=0", "wait=1"] {
        let answer = order_service.post(&wanted(&[("A", 1)]), &[("Prefer", wait)]).await;
        assert_eq!(answer.order(202).status, OrderStatus::Pending);
        assert_eq!(answer.header("preference-applied"), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_wakes_those_who_wait_at_any_instance() {
    let shop = Shop::open().await;
    let instances = [shop.instance().await, shop.instance().await];
    let waiting: Vec<_> = (0..20)
        .map(|n| {
            let client = instances[n % 2].client.clone();
            tokio::spawn(async move { client.post(&wanted(&[("A", 1)]), &[("Prefer", "wait=30")]).await })
        })
        .collect();
    let mut decided = std::collections::HashSet::new();
    while decided.len() < waiting.len() {
        let page: contracts::page::Page<Order> = instances[0].get("/orders?limit=1000").await.json();
        for order in page.items.iter().filter(|order| decided.insert(order.id)) {
            shop.inventory.reserves(order).await;
        }
    }
    for answer in waiting {
        assert_eq!(answer.await.unwrap().order(200).status, OrderStatus::Confirmed);
    }
}

async fn the_only_order(shop: &Shop, order_service: &crate::shop::Client) -> Order {
    crate::shop::until("an order", || async {
        let page: contracts::page::Page<Order> = order_service.get("/orders").await.json();
        assert!(shop.number("SELECT count(*) FROM orders").await <= 1);
        page.items.into_iter().next()
    })
    .await
}

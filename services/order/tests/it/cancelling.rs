//! Cancelling orders.

use contracts::{
    event::{OrderCancelled, ReleaseReason},
    order::OrderStatus,
};

use crate::shop::{Shop, until, wanted};

#[tokio::test(flavor = "multi_thread")]
async fn a_pending_order_is_cancelled_once_and_answers_the_same_again() {
    let shop = Shop::open().await;
    let (order_service, news) = (shop.instance().await, shop.news());
    let order = order_service.place(&[("A", 1)]).await;
    let first = order_service.cancel(order.id).await;
    let cancelled = first.order(200);
    assert_eq!((cancelled.status, cancelled.rejection.as_ref()), (OrderStatus::Cancelled, None));
    assert_eq!(order_service.read(order.id).await, cancelled);
    for _ in 0..3 {
        assert_eq!(order_service.cancel(order.id).await.body, first.body);
    }
    let told: OrderCancelled = news.first(order.id).await;
    assert_eq!(Some(told.cancelled_at), cancelled.decided_at);
    let later = order_service.place(&[("A", 1)]).await;
    order_service.cancel(later.id).await.order(200);
    news.first::<OrderCancelled>(later.id).await;
    assert_eq!(news.types(order.id), ["plumbline.order.placed.v1", "plumbline.order.cancelled.v1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirmed_order_is_cancelled_and_its_stock_released() {
    let shop = Shop::open().await;
    let (order_service, news) = (shop.instance().await, shop.news());
    let order = order_service.place(&[("A", 1)]).await;
    shop.inventory.reserves(&order).await;
    order_service.until(order.id, OrderStatus::Confirmed).await;
    let cancelled = order_service.cancel(order.id).await.order(200);
    assert_eq!(cancelled.status, OrderStatus::Cancelled);
    news.first::<OrderCancelled>(order.id).await;
    shop.inventory.releases(order.id, ReleaseReason::Cancelled).await;
    until("the release to be noted", || async { (order_service.timeline(order.id).await.len() == 7).then_some(()) })
        .await;
    assert_eq!(order_service.read(order.id).await, cancelled);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_order_refuses_to_be_cancelled() {
    let shop = Shop::open().await;
    let order_service = shop.instance().await;
    let order = order_service.place(&[("A", 1)]).await;
    shop.inventory.rejects(&order).await;
    let rejected = order_service.until(order.id, OrderStatus::Rejected).await;
    order_service.cancel(order.id).await.problem(409);
    assert_eq!(order_service.read(order.id).await, rejected);
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_wakes_who_waits() {
    let shop = Shop::open().await;
    let [one, other] = [shop.instance().await, shop.instance().await];
    for cancelling in [&one, &other] {
        let client = one.client.clone();
        let waiting = tokio::spawn(async move { client.post(&wanted(&[("C", 1)]), &[("Prefer", "wait=30")]).await });
        let id = until("the order", || async {
            let page: contracts::page::Page<contracts::order::Order> = one.get("/orders?status=PENDING").await.json();
            page.items.first().map(|order| order.id)
        })
        .await;
        cancelling.cancel(id).await.order(200);
        assert_eq!(waiting.await.unwrap().order(200).status, OrderStatus::Cancelled);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_cancellings_at_once_one_is_published() {
    let shop = Shop::open().await;
    let (instances, news) = ([shop.instance().await, shop.instance().await], shop.news());
    let order = instances[0].place(&[("A", 1)]).await;
    let sent: Vec<_> = (0..10)
        .map(|n| {
            let client = instances[n % 2].client.clone();
            tokio::spawn(async move { client.cancel(order.id).await })
        })
        .collect();
    let mut bodies = std::collections::HashSet::new();
    for answer in sent {
        let answer = answer.await.unwrap();
        answer.order(200);
        bodies.insert(answer.body);
    }
    assert_eq!(bodies.len(), 1);
    let later = instances[0].place(&[("A", 1)]).await;
    instances[0].cancel(later.id).await;
    news.first::<OrderCancelled>(later.id).await;
    until("the outbox to be empty", || async { (shop.number("SELECT count(*) FROM outbox").await == 0).then_some(()) })
        .await;
    until("the event", || async { (!news.about::<OrderCancelled>(order.id).is_empty()).then_some(()) }).await;
    assert_eq!(news.about::<OrderCancelled>(order.id).len(), 1);
}

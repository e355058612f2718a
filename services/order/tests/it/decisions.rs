//! What inventory tells, and what becomes of orders by it.

use contracts::{
    Lacking,
    event::{OrderCancelled, OrderConfirmed, ReleaseReason},
    order::{OrderStatus, Rejection, Step},
};

use crate::shop::{Shop, quantity, until};

#[tokio::test(flavor = "multi_thread")]
async fn an_order_whose_stock_is_reserved_is_confirmed_and_says_so() {
    let shop = Shop::open().await;
    let (order_service, news) = (shop.instance().await, shop.news());
    let order = order_service.place(&[("A", 2), ("B", 1)]).await;
    let reserved = shop.inventory.reserves(&order).await;
    let confirmed = order_service.until(order.id, OrderStatus::Confirmed).await;
    assert_eq!(confirmed.rejection, None);
    let told: OrderConfirmed = news.first(order.id).await;
    assert_eq!(told.lines, reserved.lines);
    assert_eq!(Some(told.decided_at), confirmed.decided_at);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_lacked_stock_is_rejected_with_what_lacked() {
    let shop = Shop::open().await;
    let (order_service, news) = (shop.instance().await, shop.news());
    let order = order_service.place(&[("A", 7)]).await;
    shop.inventory.rejects(&order).await;
    let rejected = order_service.until(order.id, OrderStatus::Rejected).await;
    let lacking = Lacking { sku: "A".parse().unwrap(), requested: quantity(7), available: 0 };
    assert_eq!(rejected.rejection, Some(Rejection::InsufficientStock { lines: vec![lacking] }));
    assert!(rejected.decided_at.is_some());
    assert!(news.about::<OrderConfirmed>(order.id).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn news_that_come_twice_or_late_change_nothing() {
    let shop = Shop::open().await;
    let (order_service, news) = (shop.instance().await, shop.news());
    let order = order_service.place(&[("A", 1)]).await;
    let reserved = shop.inventory.reserves(&order).await;
    shop.inventory.say(&reserved).await;
    let confirmed = order_service.until(order.id, OrderStatus::Confirmed).await;
    let timeline = order_service.timeline(order.id).await;
    shop.inventory.say(&reserved).await;
    shop.inventory.rejects(&order).await;
    // What is told later of another order is taken later.
    let other = order_service.place(&[("A", 1)]).await;
    shop.inventory.reserves(&other).await;
    order_service.until(other.id, OrderStatus::Confirmed).await;
    until("all news to be taken", || async { (shop.taken().await == 5).then_some(()) }).await;

    assert_eq!(order_service.read(order.id).await, confirmed);
    assert_eq!(order_service.timeline(order.id).await, timeline);
    news.first::<OrderConfirmed>(order.id).await;
    news.first::<OrderConfirmed>(other.id).await;
    assert_eq!(news.about::<OrderConfirmed>(order.id).len(), 1);
    assert_eq!(shop.dead_letters().await, (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_orders_are_decided_in_batches_each_as_told() {
    let shop = Shop::open().await;
    let order_service = shop.instance().await;
    let mut orders = Vec::new();
    for n in 1..=40 {
        orders.push(order_service.place(&[("A", n)]).await);
    }
    for (n, order) in orders.iter().enumerate() {
        if n % 3 == 0 {
            shop.inventory.rejects(order).await;
        } else {
            shop.inventory.reserves(order).await;
        }
    }
    for (n, order) in orders.iter().enumerate() {
        let status = if n % 3 == 0 { OrderStatus::Rejected } else { OrderStatus::Confirmed };
        let decided = order_service.until(order.id, status).await;
        if let Some(Rejection::InsufficientStock { lines }) = decided.rejection {
            assert_eq!(lines[0].requested, order.lines[0].quantity);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_whose_reservation_expired_does_not_stand() {
    let shop = Shop::open().await;
    let (order_service, news) = (shop.instance().await, shop.news());
    let [pending, confirmed] = [order_service.place(&[("A", 1)]).await, order_service.place(&[("A", 1)]).await];
    shop.inventory.reserves(&confirmed).await;
    order_service.until(confirmed.id, OrderStatus::Confirmed).await;
    shop.inventory.releases(pending.id, ReleaseReason::Expired).await;
    let released = shop.inventory.releases(confirmed.id, ReleaseReason::Expired).await;

    let rejected = order_service.until(pending.id, OrderStatus::Rejected).await;
    assert_eq!(rejected.rejection, Some(Rejection::ReservationExpired));
    let cancelled = order_service.until(confirmed.id, OrderStatus::Cancelled).await;
    assert_eq!(cancelled.rejection, Some(Rejection::ReservationExpired));
    let told: OrderCancelled = news.first(confirmed.id).await;
    assert_eq!(Some(told.cancelled_at), cancelled.decided_at);
    let timeline = order_service.timeline(confirmed.id).await;
    assert!(timeline.iter().any(|hop| hop.step == Step::Released && hop.at == released.released_at));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_that_comes_after_the_cancelling_changes_the_timeline_only() {
    let shop = Shop::open().await;
    let (order_service, news) = (shop.instance().await, shop.news());
    let [one, other] = [order_service.place(&[("A", 1)]).await, order_service.place(&[("A", 1)]).await];
    let cancelled = [order_service.cancel(one.id).await.order(200), order_service.cancel(other.id).await.order(200)];
    shop.inventory.reserves(&one).await;
    shop.inventory.rejects(&other).await;
    for (order, step) in cancelled.iter().zip([Step::Reserved, Step::Lacked]) {
        until("the timeline to tell", || async {
            order_service.timeline(order.id).await.iter().any(|hop| hop.step == step).then_some(())
        })
        .await;
        assert_eq!(&order_service.read(order.id).await, order);
        assert!(news.about::<OrderConfirmed>(order.id).is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_told_while_no_instance_ran_is_taken_by_the_next() {
    let shop = Shop::open().await;
    let first = shop.instance().await;
    let order = first.place(&[("A", 1)]).await;
    first.app.stop().await;
    shop.inventory.reserves(&order).await;
    shop.inventory.all_told().await;
    let next = shop.instance().await;
    next.until(order.id, OrderStatus::Confirmed).await;
}

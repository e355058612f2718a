//! An order's way, hop by hop.

use contracts::{
    event::ReleaseReason,
    order::{OrderStatus, Step},
};

use crate::shop::{Shop, hops, until};

#[tokio::test(flavor = "multi_thread")]
async fn every_hop_is_told_with_its_service_and_time() {
    let shop = Shop::open().await;
    let order_service = shop.instance().await;
    let order = order_service.place(&[("A", 1)]).await;
    let first = order_service.timeline(order.id).await;
    assert_eq!(first.len(), 1);
    assert_eq!((first[0].step, &*first[0].service, first[0].at), (Step::Placed, "order", order.placed_at));

    shop.inventory.reserves(&order).await;
    let confirmed = order_service.until(order.id, OrderStatus::Confirmed).await;
    let cancelled = order_service.cancel(order.id).await.order(200);
    let released = shop.inventory.releases(order.id, ReleaseReason::Cancelled).await;
    let timeline = until("the last hop", || async {
        Some(order_service.timeline(order.id).await).filter(|timeline| timeline.len() == 7)
    })
    .await;
    let told: Vec<_> = timeline.iter().map(|hop| (hop.step, &*hop.service, hop.at)).collect();
    let at = hops(&order);
    let expected = [
        (Step::Placed, "order", order.placed_at),
        (Step::Published, "order", at.published_at),
        (Step::Received, "inventory", at.received_at),
        (Step::Reserved, "inventory", at.decided_at),
        (Step::Confirmed, "order", confirmed.decided_at.unwrap()),
        (Step::Cancelled, "order", cancelled.decided_at.unwrap()),
        (Step::Released, "inventory", released.released_at),
    ];
    assert_eq!(told, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_order_tells_what_was_found() {
    let shop = Shop::open().await;
    let order_service = shop.instance().await;
    let order = order_service.place(&[("A", 1)]).await;
    shop.inventory.rejects(&order).await;
    order_service.until(order.id, OrderStatus::Rejected).await;
    let steps: Vec<_> = order_service.timeline(order.id).await.iter().map(|hop| hop.step).collect();
    assert_eq!(steps, [Step::Placed, Step::Published, Step::Received, Step::Lacked, Step::Rejected]);
}

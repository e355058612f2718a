use contracts::{
    OrderId,
    event::{ReleaseReason, StockReleased},
    stock::ReservationStatus::{Confirmed, Held, Rejected, Released},
};

use crate::world::{World, confirmed, placed, push, until};

const QUICK: [(&str, &str); 2] =
    [("PLUMBLINE_RESERVATION_TTL_SECONDS", "1"), ("PLUMBLINE_SWEEP_INTERVAL_MILLIS", "20")];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_confirmed_in_time_is_given_back() {
    let world = World::start_with(&QUICK).await;
    world.stock_up(&[("A", 10)]).await;
    let (forgotten, stands, lacks) = (OrderId::generate(), OrderId::generate(), OrderId::generate());
    world
        .publish(|batch| {
            push(batch, &placed(forgotten, &[("A", 4)]));
            push(batch, &placed(stands, &[("A", 2)]));
            push(batch, &confirmed(stands, &[("A", 2)]));
            push(batch, &placed(lacks, &[("A", 11)]));
        })
        .await;
    let expired = world.until_status(forgotten, Released).await;
    assert!(expired.released_at.unwrap().micros_since(expired.decided_at) >= 1_000_000, "{expired:?}");
    assert_eq!(world.until_told(forgotten, 2).await, ["reserved", "released"]);
    let released: StockReleased = world.told_about(forgotten)[1].decode().unwrap();
    assert_eq!((released.reason, Some(released.released_at)), (ReleaseReason::Expired, expired.released_at));

    // A confirmation that comes too late finds nothing to confirm.
    world.publish(|batch| push(batch, &confirmed(forgotten, &[("A", 4)]))).await;
    world.settle().await;
    assert_eq!(world.reservation(forgotten).await.unwrap().status, Released);
    assert_eq!(world.reservation(stands).await.unwrap().status, Confirmed);
    assert_eq!(world.reservation(lacks).await.unwrap().status, Rejected);
    assert_eq!(world.level("A").await, (8, 2));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_expire_in_steps_and_each_once_with_three_instances() {
    let mut world = World::start_with(&QUICK).await;
    world.start_another().await;
    world.start_another().await;
    world.stock_up(&[("A", 1_000), ("B", 1_000)]).await;
    let orders: Vec<OrderId> = (0..700).map(|_| OrderId::generate()).collect();
    let late = OrderId::generate();
    world.publish(|batch| orders.iter().for_each(|order| push(batch, &placed(*order, &[("B", 1), ("A", 1)])))).await;
    until("all to be given back", async || {
        let released: i64 = sqlx::query_scalar("SELECT count(*) FROM reservations WHERE status = 3")
            .fetch_one(&world.database)
            .await
            .unwrap();
        (released == 700).then_some(())
    })
    .await;
    // The sweep has passed that time by, and finds what is decided now all the same.
    world.publish(|batch| push(batch, &placed(late, &[("A", 1)]))).await;
    world.until_status(late, Held).await;
    world.until_status(late, Released).await;
    world.settle().await;
    for order in orders.iter().chain([&late]) {
        assert_eq!(world.until_told(*order, 2).await, ["reserved", "released"]);
    }
    assert_eq!((world.level("A").await, world.level("B").await), ((1_000, 0), (1_000, 0)));
    world.end().await;
}

use contracts::{
    OrderId,
    event::{ReleaseReason, StockRejected, StockReleased, StockReserved},
    stock::ReservationStatus::{Confirmed, Held, Rejected, Released},
};

use crate::world::{World, cancelled, confirmed, placed, push, stock_lines};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_is_reserved_whole_or_not_at_all() {
    let world = World::start().await;
    world.stock_up(&[("A", 10), ("B 1", 1)]).await;
    let order = world.place(&[("A", 3), ("B 1", 1)]).await;
    let reservation = world.until_status(order, Held).await;
    assert_eq!(reservation.lines, stock_lines(&[("A", 3), ("B 1", 1)]));
    assert_eq!((world.level("A").await, world.level("B%201").await), ((7, 3), (0, 1)));

    let greedy = world.place(&[("A", 1), ("B 1", 1), ("NONE", 2), ("A", 7)]).await;
    let reservation = world.until_status(greedy, Rejected).await;
    assert_eq!(reservation.lines, stock_lines(&[("A", 8), ("B 1", 1), ("NONE", 2)]));
    assert_eq!((world.level("A").await, world.level("B%201").await), ((7, 3), (0, 1)));

    assert_eq!(world.until_told(order, 1).await, ["reserved"]);
    assert_eq!(world.until_told(greedy, 1).await, ["rejected"]);
    let reserved: StockReserved = world.told_about(order)[0].decode().unwrap();
    assert_eq!(reserved.lines, stock_lines(&[("A", 3), ("B 1", 1)]));
    let hops = reserved.hops;
    assert!(hops.published_at <= hops.received_at && hops.received_at <= hops.decided_at, "{hops:?}");
    let rejected: StockRejected = world.told_about(greedy)[0].decode().unwrap();
    let lacking: Vec<_> = rejected
        .lacking
        .iter()
        .map(|lacking| (lacking.sku.as_str(), lacking.requested.get(), lacking.available))
        .collect();
    assert_eq!(lacking, [("A", 8, 7), ("B 1", 1, 0), ("NONE", 2, 0)]);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_that_come_twice_have_one_effect() {
    let world = World::start().await;
    world.stock_up(&[("A", 100)]).await;
    let lines = [("A", 2)];
    let orders: Vec<OrderId> = (0..6).map(|_| OrderId::generate()).collect();
    let life = |batch: &mut messaging::outbox::Batch| {
        for (n, order) in orders.iter().enumerate() {
            push(batch, &placed(*order, &lines));
            if n % 3 > 0 {
                push(batch, &confirmed(*order, &lines));
            }
            if n % 3 > 1 {
                push(batch, &cancelled(*order));
            }
        }
    };
    // As a relay does that died between Kafka's acknowledgement and the deletion: the whole frame again.
    world.publish(life).await;
    world.settle().await;
    world.publish(life).await;
    world.publish(life).await;
    world.settle().await;
    for (n, order) in orders.iter().enumerate() {
        let (status, told) = match n % 3 {
            0 => (Held, vec!["reserved"]),
            1 => (Confirmed, vec!["reserved"]),
            _ => (Released, vec!["reserved", "released"]),
        };
        assert_eq!(world.reservation(*order).await.unwrap().status, status);
        assert_eq!(world.until_told(*order, 1).await, told);
    }
    assert_eq!(world.level("A").await, (92, 8));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_order_gives_back_what_it_holds() {
    let world = World::start().await;
    world.stock_up(&[("A", 5)]).await;
    let lines = [("A", 5)];
    let held = world.place(&lines).await;
    world.until_status(held, Held).await;
    let lacking = world.place(&[("A", 1)]).await;
    world.until_status(lacking, Rejected).await;
    world.publish(|batch| push(batch, &cancelled(held))).await;
    let released = world.until_status(held, Released).await;
    assert!(released.released_at.unwrap() >= released.decided_at);
    assert_eq!(world.level("A").await, (5, 0));

    let standing = world.place(&lines).await;
    world.until_status(standing, Held).await;
    world.publish(|batch| push(batch, &confirmed(standing, &lines))).await;
    world.until_status(standing, Confirmed).await;
    assert_eq!(world.level("A").await, (0, 5));
    world
        .publish(|batch| {
            push(batch, &cancelled(standing));
            push(batch, &cancelled(lacking));
            push(batch, &confirmed(held, &lines));
            push(batch, &cancelled(OrderId::generate()));
        })
        .await;
    world.until_status(standing, Released).await;
    world.settle().await;
    assert_eq!(world.level("A").await, (5, 0));
    assert_eq!(world.reservation(lacking).await.unwrap().status, Rejected);
    assert_eq!(world.reservation(held).await.unwrap().status, Released);

    assert_eq!(world.until_told(standing, 2).await, ["reserved", "released"]);
    assert_eq!(world.until_told(lacking, 1).await, ["rejected"]);
    let released: StockReleased = world.told_about(standing)[1].decode().unwrap();
    assert_eq!(released.reason, ReleaseReason::Cancelled);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_placed_and_cancelled_in_one_batch_leaves_no_trace_in_stock() {
    let world = World::start_with(&[("PLUMBLINE_CONSUMER_BATCH_WAIT_MILLIS", "300")]).await;
    world.stock_up(&[("A", 5)]).await;
    let before = world.stock_of("A").await;
    let order = OrderId::generate();
    world
        .publish(|batch| {
            push(batch, &placed(order, &[("A", 5)]));
            push(batch, &cancelled(order));
        })
        .await;
    let reservation = world.until_status(order, Released).await;
    assert_eq!(reservation.released_at, Some(reservation.decided_at));
    assert_eq!(world.until_told(order, 2).await, ["reserved", "released"]);
    assert_eq!(world.stock_of("A").await, before);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_for_what_is_sold_out_do_not_write_its_row() {
    let world = World::start().await;
    world.stock_up(&[("A", 3), ("B", 10)]).await;
    let first = world.place(&[("A", 3)]).await;
    world.until_status(first, Held).await;
    let before = world.stock_of("A").await;
    let version_of_row = "SELECT ctid::text FROM stock WHERE sku = 'A'";
    let row: String = sqlx::query_scalar(version_of_row).fetch_one(&world.database).await.unwrap();
    let late: Vec<OrderId> = (0..200).map(|_| OrderId::generate()).collect();
    world.publish(|batch| late.iter().for_each(|order| push(batch, &placed(*order, &[("A", 1), ("B", 1)])))).await;
    for order in &late {
        world.until_status(*order, Rejected).await;
    }
    assert_eq!(world.stock_of("A").await, before);
    assert_eq!(sqlx::query_scalar::<_, String>(version_of_row).fetch_one(&world.database).await.unwrap(), row);
    assert_eq!(world.level("B").await, (10, 0));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_orders_for_one_product_cost_its_row_few_updates() {
    let world = World::start_with(&[("PLUMBLINE_CONSUMER_BATCH_WAIT_MILLIS", "200")]).await;
    world.stock_up(&[("A", 1_500)]).await;
    let orders: Vec<OrderId> = (0..2_000).map(|_| OrderId::generate()).collect();
    world.publish(|batch| orders.iter().for_each(|order| push(batch, &placed(*order, &[("A", 1)])))).await;
    world.settle().await;
    let stock = world.stock_of("A").await;
    assert_eq!((stock.available, stock.reserved), (0, 1_500));
    assert!(stock.version <= 30, "{} updates", stock.version);
    let counted = "SELECT count(*) FROM reservations WHERE status = $1 AND lines @> '[{\"sku\": \"A\"}]'";
    let count = async |status: i16| -> i64 {
        sqlx::query_scalar(counted).bind(status).fetch_one(&world.database).await.unwrap()
    };
    assert_eq!((count(0).await, count(2).await), (1_500, 500));
    world.end().await;
}

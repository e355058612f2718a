//! Reservations that requests ask for.

use contracts::{
    OrderId,
    stock::{
        Reservation,
        ReservationStatus::{Confirmed, Held, Rejected, Released},
    },
    topics::Topic,
};
use futures::future::join_all;
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};

use crate::{
    locks::instance::Instance,
    world::{TOKEN, World, answer, cancelled, confirmed, placed, push, reserving, stock_lines, until},
};

async fn confirm(world: &World, id: OrderId) -> (StatusCode, Value) {
    answer(world.request(Method::POST, &format!("/reservations/{id}/confirm")).bearer_auth(TOKEN)).await
}

async fn release(world: &World, id: OrderId) -> (StatusCode, Value) {
    answer(world.request(Method::DELETE, &format!("/reservations/{id}")).bearer_auth(TOKEN)).await
}

fn status_of(answered: (StatusCode, Value)) -> (u16, String) {
    (answered.0.as_u16(), answered.1["status"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_line_is_reserved_or_none_and_a_repeat_is_not_decided_again() {
    let world = World::start().await;
    world.stock_up(&[("A", 10), ("B", 1)]).await;
    let id = OrderId::generate();
    let lines = [("A", 2), ("B", 1), ("A", 1)];
    let request = world.request(Method::POST, "/reservations").bearer_auth(TOKEN);
    let made = reserving(request, id, &lines).send().await.unwrap();
    assert_eq!(made.status(), StatusCode::CREATED);
    assert_eq!(made.headers()[header::LOCATION], format!("/reservations/{id}"));
    let made: Reservation = made.json().await.unwrap();
    assert_eq!((made.status, &made.lines), (Held, &stock_lines(&[("A", 3), ("B", 1)])));
    assert_eq!(world.reservation(id).await.as_ref(), Some(&made));

    let (status, again) = world.reserve(id, &[("A", 3), ("B", 1)]).await;
    assert_eq!((status, serde_json::from_value(again).unwrap()), (StatusCode::OK, made));
    let (status, problem) = world.reserve(id, &[("A", 4), ("B", 1)]).await;
    assert_eq!((status.as_u16(), &problem["type"]), (422, &json!("urn:plumbline:problem:idempotency-key-reused")));

    // What was rejected stays so, though there were enough by now.
    let greedy = OrderId::generate();
    let (status, lacks) = world.reserve(greedy, &[("A", 8), ("NONE", 2)]).await;
    assert_eq!((status.as_u16(), &lacks["type"]), (409, &json!("urn:plumbline:problem:insufficient-stock")));
    let lacking =
        json!([{"sku": "A", "requested": 8, "available": 7}, {"sku": "NONE", "requested": 2, "available": 0}]);
    assert_eq!(lacks["lacking"], lacking);
    world.adjust("A", 10, None).await;
    assert_eq!(world.reserve(greedy, &[("A", 8), ("NONE", 2)]).await, (status, lacks));
    assert_eq!(world.reservation(greedy).await.unwrap().status, Rejected);
    assert_eq!((world.level("A").await, world.level("B").await), ((17, 3), (0, 1)));

    let body = json!({"lines": [{"sku": "A", "quantity": 1}]});
    let post = || world.request(Method::POST, "/reservations").bearer_auth(TOKEN).json(&body);
    let (one, other) = (answer(post()).await, answer(post()).await);
    assert_eq!((one.0, other.0), (StatusCode::CREATED, StatusCode::CREATED));
    assert_ne!(one.1["order_id"], other.1["order_id"]);
    world.settle().await;
    assert!(world.told_about(id).is_empty() && world.told_about(greedy).is_empty(), "nobody else knows of them");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn they_are_confirmed_and_released_as_often_as_one_likes() {
    let world = World::start().await;
    world.stock_up(&[("A", 10)]).await;
    let [kept, dropped, rejected, unknown] = [0; 4].map(|_| OrderId::generate());
    for (id, pieces) in [(kept, 3), (dropped, 2), (rejected, 100)] {
        world.reserve(id, &[("A", pieces)]).await;
    }
    for _ in 0..2 {
        assert_eq!(status_of(confirm(&world, kept).await), (200, "CONFIRMED".to_owned()));
        assert_eq!(status_of(release(&world, dropped).await), (200, "RELEASED".to_owned()));
        assert_eq!(confirm(&world, dropped).await.0.as_u16(), 409);
        assert_eq!(confirm(&world, rejected).await.0.as_u16(), 409);
        assert_eq!(status_of(release(&world, rejected).await), (200, "REJECTED".to_owned()));
        assert_eq!((confirm(&world, unknown).await.0.as_u16(), release(&world, unknown).await.0.as_u16()), (404, 404));
        assert_eq!(world.level("A").await, (7, 3));
    }
    let (status, again) = world.reserve(dropped, &[("A", 2)]).await;
    assert_eq!((status.as_u16(), &again["status"]), (200, &json!("RELEASED")), "it is told what became of it");
    assert_eq!(status_of(release(&world, kept).await), (200, "RELEASED".to_owned()));
    assert_eq!(world.level("A").await, (10, 0));

    let many = OrderId::generate();
    world.reserve(many, &[("A", 4)]).await;
    let answers = join_all((0..10).map(|_| release(&world, many))).await;
    assert!(answers.into_iter().all(|answer| status_of(answer) == (200, "RELEASED".to_owned())));
    assert_eq!(world.level("A").await, (10, 0), "given back once");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_never_confirmed_expire_and_nobody_is_told() {
    let quick = [("PLUMBLINE_RESERVATION_TTL_SECONDS", "1"), ("PLUMBLINE_SWEEP_INTERVAL_MILLIS", "20")];
    let world = World::start_with(&quick).await;
    world.stock_up(&[("A", 10)]).await;
    let [forgotten, kept] = [0; 2].map(|_| OrderId::generate());
    world.reserve(kept, &[("A", 1)]).await;
    assert_eq!(status_of(confirm(&world, kept).await), (200, "CONFIRMED".to_owned()));
    world.reserve(forgotten, &[("A", 4)]).await;
    let order = world.place(&[("A", 2)]).await;
    world.until_status(forgotten, Released).await;
    assert_eq!(world.until_told(order, 2).await, ["reserved", "released"]);
    world.settle().await;
    assert!(world.told_about(forgotten).is_empty());
    assert_eq!((world.reservation(kept).await.unwrap().status, world.level("A").await), (Confirmed, (9, 1)));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_are_gathered_and_each_gets_its_own_answer() {
    let mut world = World::start_with(&[("PLUMBLINE_RESERVE_PACE_MILLIS", "50")]).await;
    world.start_another().await;
    world.stock_up(&[("A", 30), ("B", 1_000)]).await;
    let ids: Vec<OrderId> = (0..50).map(|_| OrderId::generate()).collect();
    // Each id twice, and a stranger's lines under every tenth.
    let asked = (0..110).map(async |n: usize| match n {
        0..100 => world.reserve(ids[n / 2], &[("A", 1), ("B", 2)]).await,
        _ => world.reserve(ids[(n - 100) * 5], &[("B", 3)]).await,
    });
    let answers = join_all(asked).await;
    let count = |status: u16| answers[..100].iter().filter(|(found, _)| *found == status).count();
    let of_strangers = answers[100..].iter().filter(|(status, _)| *status == 201).count() as i64;
    let (available, reserved) = world.level("A").await;
    assert_eq!((available, reserved), (30 - reserved, count(201) as i64), "{answers:?}");
    assert!(answers.iter().all(|(status, _)| matches!(status.as_u16(), 200 | 201 | 409 | 422)), "{answers:?}");
    assert!(reserved <= 30);
    assert_eq!(world.level("B").await.1, 2 * reserved + 3 * of_strangers);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_of_the_order_service_is_not_for_requests() {
    let world = World::start().await;
    world.stock_up(&[("A", 10)]).await;
    let order = world.place(&[("A", 1)]).await;
    world.until_status(order, Held).await;
    for (status, problem) in
        [world.reserve(order, &[("A", 1)]).await, confirm(&world, order).await, release(&world, order).await]
    {
        assert_eq!(status, StatusCode::CONFLICT, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains("order service"), "{problem}");
    }
    assert_eq!((world.reservation(order).await.unwrap().status, world.level("A").await), (Held, (9, 1)));
    world.end().await;
}

/// The caller has chosen the id of an order whose placing comes later. It goes to the dead letters; nothing of the order's
/// touches the reservation.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_under_a_direct_reservations_id_is_set_aside() {
    let world = World::start().await;
    world.stock_up(&[("A", 10)]).await;
    let [taken, both] = [0; 2].map(|_| OrderId::generate());
    for id in [taken, both] {
        assert_eq!(world.reserve(id, &[("A", 2)]).await.0, StatusCode::CREATED);
    }
    let other = OrderId::generate();
    world
        .publish(|batch| {
            push(batch, &placed(taken, &[("A", 1)]));
            push(batch, &placed(both, &[("A", 1)]));
            push(batch, &cancelled(both));
            push(batch, &placed(other, &[("A", 1)]));
        })
        .await;
    world.settle().await;
    world.publish(|batch| push(batch, &confirmed(taken, &[("A", 1)]))).await;
    world.publish(|batch| push(batch, &cancelled(taken))).await;
    world.settle().await;
    for id in [taken, both] {
        let reservation = world.reservation(id).await.unwrap();
        assert_eq!((reservation.status, reservation.lines), (Held, stock_lines(&[("A", 2)])));
        assert!(world.told_about(id).is_empty());
    }
    assert_eq!((world.until_told(other, 1).await, world.level("A").await), (vec!["reserved".to_owned()], (5, 5)));
    until("the dead letters", async || (world.dead_letters(Topic::Orders) == 2).then_some(())).await;
    world.end().await;
}

/// A batch has looked, and found no reservation; then a request makes one under the same id.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_made_in_the_middle_of_a_batch_is_found_when_it_is_taken_again() {
    let mut world = World::start().await;
    world.stock_up(&[("A", 10), ("B", 10)]).await;
    world.apps.remove(0).stop().await;
    let stops = Instance::start(&world, "stops", &[("PLUMBLINE_STOP_AT", "stock.before-write")]).await;
    let order = world.place(&[("A", 1)]).await;
    stops.until_it_stands_still().await;
    world.start_another().await;
    // Of another product, as that one's row is locked.
    assert_eq!(world.reserve(order, &[("B", 2)]).await.0, StatusCode::CREATED);
    stops.go_on();
    until("the order to be set aside", async || (world.dead_letters(Topic::Orders) == 1).then_some(())).await;
    drop(stops);
    assert_eq!(world.reservation(order).await.unwrap().lines, stock_lines(&[("B", 2)]));
    assert_eq!((world.level("A").await, world.level("B").await), ((10, 0), (8, 2)));
    world.end().await;
}

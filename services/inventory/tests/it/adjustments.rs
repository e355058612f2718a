use futures::future::join_all;
use serde_json::json;

use crate::world::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeat_gets_the_first_answer_and_another_body_is_refused() {
    let world = World::start().await;
    world.stock_up(&[("A", 0), ("B", 0)]).await;
    let (status, first) = world.adjust("A", 7, Some("monday")).await;
    assert_eq!(status, 200);
    assert_eq!(first["stock"], json!({"sku": "A", "available": 7, "reserved": 0, "version": 1}));
    assert_eq!((&first["delta"], &first["reason"]), (&json!(7), &json!("count")));

    world.adjust("A", 5, None).await;
    assert_eq!(world.adjust("A", 7, Some("monday")).await, (status, first));
    assert_eq!(world.level("A").await, (12, 0));

    for (sku, delta) in [("A", 8), ("A", -7), ("B", 7)] {
        let (status, problem) = world.adjust(sku, delta, Some("monday")).await;
        assert_eq!(status, 422, "{problem}");
        assert_eq!(problem["type"], "urn:plumbline:problem:idempotency-key-reused");
    }
    assert_eq!((world.level("A").await, world.level("B").await), ((12, 0), (0, 0)));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stock_never_goes_below_zero_and_a_refusal_leaves_nothing() {
    let world = World::start().await;
    world.stock_up(&[("A", 7)]).await;
    let (status, problem) = world.adjust("A", -8, Some("loss")).await;
    assert_eq!(status, 409);
    assert!(problem["detail"].as_str().unwrap().contains("only 7 are available"), "{problem}");
    assert_eq!(world.level("A").await, (7, 0));
    // The same request succeeds once there are enough.
    world.adjust("A", 1, None).await;
    let (status, _) = world.adjust("A", -8, Some("loss")).await;
    assert_eq!(status, 200);
    assert_eq!(world.level("A").await, (0, 0));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_equal_requests_at_once_adjust_once() {
    let world = World::start().await;
    world.stock_up(&[("A", 0)]).await;
    let answers = join_all((0..20).map(|_| world.adjust("A", 7, Some("k")))).await;
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!(answers[0].0, 200);
    assert_eq!(world.level("A").await, (7, 0));
    let (rows,): (i64,) =
        sqlx::query_as("SELECT count(*) FROM stock_adjustments").fetch_one(&world.database).await.unwrap();
    assert_eq!(rows, 1);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_products_under_one_key_at_once_one_is_adjusted() {
    let world = World::start().await;
    world.stock_up(&[("A", 0), ("B", 0)]).await;
    for round in 0..20 {
        let key = format!("k{round}");
        let (one, other) = tokio::join!(world.adjust("A", 1, Some(&key)), world.adjust("B", 1, Some(&key)));
        let mut statuses = [one.0.as_u16(), other.0.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 422], "{one:?} {other:?}");
    }
    assert_eq!(world.level("A").await.0 + world.level("B").await.0, 20);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_who_take_at_once_take_what_is_there() {
    let world = World::start().await;
    world.stock_up(&[("A", 30)]).await;
    let answers = join_all((0..50).map(|_| world.adjust("A", -1, None))).await;
    let count = |status: u16| answers.iter().filter(|(found, _)| *found == status).count();
    assert_eq!((count(200), count(409)), (30, 20));
    let mut left: Vec<i64> = answers.iter().filter_map(|(_, answer)| answer["stock"]["available"].as_i64()).collect();
    left.sort_unstable();
    assert_eq!(left, (0..30).collect::<Vec<_>>());
    assert_eq!(world.stock_of("A").await.version, 31);
    world.end().await;
}

//! No lock is to be had, because Redis or the coordinators are gone.

use contracts::{OrderId, stock::ReservationStatus};
use local::testing;
use reqwest::StatusCode;
use serde_json::Value;

use super::{instance::Instance, stage::Stage};
use crate::world::until;

const FALLBACKS: &str = "plumbline_inventory_locks_fallbacks_total";
const REFUSED: &str = "plumbline_inventory_changes_refused_total";

async fn reserve(instance: &Instance) -> (StatusCode, Value) {
    instance.reserve(OrderId::generate(), &[("A", 1)]).await
}

/// Waits until an order is decided, and how.
async fn decided(stage: &Stage, order: OrderId) -> ReservationStatus {
    let status = until("the order to be decided", async || {
        let status: Option<i16> = sqlx::query_scalar("SELECT status FROM reservations WHERE order_id = $1")
            .bind(order.as_uuid())
            .fetch_optional(&stage.world.database)
            .await
            .unwrap();
        status
    })
    .await;
    if status == 0 { ReservationStatus::Held } else { ReservationStatus::Rejected }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_are_locked_instead_and_locks_are_taken_again() {
    let mut stage = Stage::start("redis-fenced", "1000", &[]).await;
    stage.world.stock_up(&[("A", 100)]).await;
    let [one, other] = stage.only_processes(&[]).await;
    for instance in [&one, &other] {
        assert_eq!(reserve(instance).await.0, StatusCode::CREATED);
    }
    stage.redis.kill().await;
    let order = stage.world.place(&[("A", 1)]).await;
    let (mine, theirs) = tokio::join!(reserve(&one), reserve(&other));
    assert_eq!((mine.0, theirs.0), (StatusCode::CREATED, StatusCode::CREATED), "{} {}", mine.1, theirs.1);
    assert_eq!(decided(&stage, order).await, ReservationStatus::Held);
    let (first, second) = (one.metric(FALLBACKS, "").await, other.metric(FALLBACKS, "").await);
    assert!(first >= 1.0 && second >= 1.0, "{first} {second}");

    stage.redis.restart().await;
    let before = stage.token("A").await;
    until("locks to be had again", async || {
        assert_eq!(reserve(&one).await.0, StatusCode::CREATED);
        (stage.token("A").await > before).then_some(())
    })
    .await;
    let (available, reserved) = stage.level("A").await;
    assert_eq!((available + reserved, stage.held("A").await), (100, reserved));
    stage.end_processes([one, other]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_it_is_set_so_all_wait_and_go_on_by_themselves() {
    let waits = [("PLUMBLINE_LOCK_WHEN_GONE", "wait"), ("PLUMBLINE_LOCK_PATIENCE_MILLIS", "1000")];
    let mut stage = Stage::start("redis-fenced", "1000", &waits).await;
    stage.world.stock_up(&[("A", 100)]).await;
    let [one] = stage.only_processes(&[]).await;
    stage.redis.kill().await;
    let order = stage.world.place(&[("A", 1)]).await;
    let request = one.request(reqwest::Method::POST, "/reservations");
    let refused = crate::world::reserving(request, OrderId::generate(), &[("A", 1)]).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.headers().contains_key("retry-after"));
    assert_eq!((stage.level("A").await, one.metric(FALLBACKS, "").await), ((100, 0), 0.0));

    stage.redis.restart().await;
    assert_eq!(decided(&stage, order).await, ReservationStatus::Held);
    assert_eq!(reserve(&one).await.0, StatusCode::CREATED);
    assert_eq!((stage.level("A").await, stage.held("A").await), ((98, 2), 2));
    stage.end_processes([one]).await;
}

/// Others may be storing what they have read, without a look at any row's lock.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_others_store_blindly_rows_are_not_locked_instead() {
    let mut stage = Stage::start("redis", "1000", &[]).await;
    stage.world.stock_up(&[("A", 100)]).await;
    let [one] = stage.only_processes(&[]).await;
    stage.redis.kill().await;
    let (status, problem) = reserve(&one).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("others store without looking"), "{problem}");
    assert!(one.metric(REFUSED, "error_type=\"unguarded\"").await >= 1.0);
    assert_eq!(stage.level("A").await, (100, 0));

    stage.redis.restart().await;
    until("locks to be had again", async || (reserve(&one).await.0 == StatusCode::CREATED).then_some(())).await;
    assert_eq!(stage.level("A").await, (99, 1));
    stage.end_processes([one]).await;
}

/// The fence is gone with Redis' data, and there is nobody to begin another epoch.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn coordinators_are_gone_when_an_epoch_is_needed() {
    let coordinators = testing::private_coordinators(1).await;
    // It takes so long until rows are locked instead.
    let patience = [("PLUMBLINE_LOCK_PATIENCE_MILLIS", "10000")];
    let mut stage = Stage::start_at(&coordinators.endpoints(), "redis-fenced", "1000", &patience).await;
    stage.world.stock_up(&[("A", 100)]).await;
    let [one, other] = stage.only_processes(&[]).await;
    assert_eq!(reserve(&one).await.0, StatusCode::CREATED);
    coordinators.kill(0).await;
    // As long as the fence is there, nobody is needed.
    let before = stage.token("A").await;
    assert_eq!(reserve(&one).await.0, StatusCode::CREATED);
    assert!(stage.token("A").await > before);
    assert_eq!(one.metric(FALLBACKS, "").await, 0.0);

    stage.redis.command("FLUSHALL").await;
    let (mine, theirs) = tokio::join!(reserve(&one), reserve(&other));
    assert_eq!((mine.0, theirs.0), (StatusCode::CREATED, StatusCode::CREATED), "{} {}", mine.1, theirs.1);
    let order = stage.world.place(&[("A", 1)]).await;
    assert_eq!(decided(&stage, order).await, ReservationStatus::Held);
    assert!(one.metric(FALLBACKS, "").await >= 1.0);
    assert_eq!((stage.level("A").await, stage.held("A").await), ((95, 5), 5));

    coordinators.restart(0).await.unwrap();
    let before = stage.token("A").await;
    until("locks to be had again", async || {
        assert_eq!(reserve(&one).await.0, StatusCode::CREATED);
        (stage.token("A").await > before).then_some(())
    })
    .await;
    stage.end_processes([one, other]).await;
    coordinators.stop().await;
}

//! A holder stands still past the end of its lock, another takes over, and the first goes on with what it had read.

use contracts::OrderId;
use reqwest::StatusCode;

use super::{instance::Instance, stage::Stage};
use crate::world::until;

/// Of 10 pieces one instance is about to sell 6 when it stands still. Another sells 10, and the first goes on. What they
/// answer, the first one first.
async fn stands_still(stage: &Stage, still: &Instance) -> (StatusCode, StatusCode) {
    stage.world.stock_up(&[("A", 10)]).await;
    let [slow, quick] = [0, 1].map(|_| OrderId::generate());
    let (slow, quick) = tokio::join!(still.reserve(slow, &[("A", 6)]), async {
        still.until_it_stands_still().await;
        let sold = stage.world.reserve(quick, &[("A", 10)]).await;
        still.go_on();
        sold
    });
    (slow.0, quick.0)
}

/// Both have sold, and what is written is what the late one had read.
async fn assert_sold_twice(strategy: &str) {
    let stage = Stage::start(strategy, "500", &[]).await;
    let still = stage.one_that_will_stand_still().await;
    assert_eq!(stands_still(&stage, &still).await, (StatusCode::CREATED, StatusCode::CREATED));
    assert_eq!(stage.held("A").await, 16, "of 10");
    assert_eq!(stage.level("A").await, (4, 6));
    drop(still);
    stage.world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_tokens_it_sells_what_is_sold() {
    assert_sold_twice("redis").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_locks_two_sell_the_same() {
    assert_sold_twice("none").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_tokens_it_is_refused_and_finds_nothing_left() {
    let stage = Stage::start("redis-fenced", "500", &[]).await;
    let still = stage.one_that_will_stand_still().await;
    assert_eq!(stands_still(&stage, &still).await, (StatusCode::CONFLICT, StatusCode::CREATED));
    assert_eq!((stage.held("A").await, stage.level("A").await), (10, (0, 10)));
    let refused = still.metric("plumbline_inventory_changes_refused_total", "error_type=\"overtaken\"").await;
    assert_eq!(refused, 1.0);
    drop(still);
    stage.world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_lock_at_the_coordinators_too() {
    let stage = Stage::start("coordination", "1000", &[]).await;
    let still = stage.one_that_will_stand_still().await;
    assert_eq!(stands_still(&stage, &still).await, (StatusCode::CONFLICT, StatusCode::CREATED));
    assert_eq!((stage.held("A").await, stage.level("A").await), (10, (0, 10)));
    drop(still);
    stage.world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_locks_in_the_database_the_other_waits() {
    let stage = Stage::start("database", "500", &[]).await;
    let still = stage.one_that_will_stand_still().await;
    stage.world.stock_up(&[("A", 10)]).await;
    let [slow, quick] = [0, 1].map(|_| OrderId::generate());
    let (slow, quick, ()) = tokio::join!(
        still.reserve(slow, &[("A", 6)]),
        async {
            still.until_it_stands_still().await;
            stage.world.reserve(quick, &[("A", 10)]).await
        },
        async {
            until("the other to wait for the row", async || is_waiting(&stage).await.then_some(())).await;
            still.go_on();
        }
    );
    assert_eq!(slow.0, StatusCode::CREATED, "{}", slow.1);
    assert_eq!(quick.0, StatusCode::CONFLICT, "{}", quick.1);
    assert_eq!(quick.1["lacking"], serde_json::json!([{"sku": "A", "requested": 10, "available": 4}]));
    assert_eq!((stage.held("A").await, stage.level("A").await), (6, (4, 6)));
    drop(still);
    stage.world.end().await;
}

async fn is_waiting(stage: &Stage) -> bool {
    let waiting = "SELECT count(*) > 0 FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%FROM stock %FOR UPDATE%'";
    sqlx::query_scalar(waiting).fetch_one(&stage.world.database).await.unwrap()
}

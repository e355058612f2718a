//! Redis loses data while a holder stands still. Its lock would live for long; another has it after all, and a token that
//! is greater all the same.

use contracts::OrderId;
use local::testing;
use reqwest::StatusCode;

use super::stage::Stage;

/// Of 10 pieces one instance is about to sell 6 when it stands still, and Redis loses data: `before` runs before the lock is
/// taken, `lose` while it is held. Another sells 10, then the first goes on, and both go on selling.
async fn loses(before: impl AsyncFnOnce(&Stage), lose: impl AsyncFnOnce(&Stage)) {
    let stage = Stage::start("redis-fenced", "60000", &[]).await;
    let still = stage.one_that_will_stand_still().await;
    stage.world.stock_up(&[("A", 10), ("B", 100)]).await;
    let reserve = async |lines: &[(&str, i64)]| stage.world.reserve(OrderId::generate(), lines).await;
    assert_eq!(reserve(&[("B", 1)]).await.0, StatusCode::CREATED);
    before(&stage).await;
    assert_eq!(reserve(&[("B", 1)]).await.0, StatusCode::CREATED);
    let last = stage.token("B").await;
    let (slow, first) = tokio::join!(still.reserve(OrderId::generate(), &[("A", 6)]), async {
        still.until_it_stands_still().await;
        lose(&stage).await;
        let (status, sold) = reserve(&[("A", 10)]).await;
        assert_eq!(status, StatusCode::CREATED, "{sold}");
        let first = stage.token("A").await;
        still.go_on();
        first
    });
    assert_eq!(slow.0, StatusCode::CONFLICT, "{}", slow.1);
    assert_eq!((stage.held("A").await, stage.level("A").await), (10, (0, 10)));
    assert!(last < first, "{last} before it, {first} after it");
    assert!(still.metric("plumbline_inventory_changes_refused_total", "error_type=\"overtaken\"").await >= 1.0);

    let mut greatest = first;
    for turn in 0..6 {
        let id = OrderId::generate();
        let lines = [("B", 1)];
        let sold = if turn % 2 == 0 { still.reserve(id, &lines).await } else { stage.world.reserve(id, &lines).await };
        assert_eq!(sold.0, StatusCode::CREATED, "{}", sold.1);
        let token = stage.token("B").await;
        assert!(greatest < token, "{greatest}, then {token}");
        greatest = token;
    }
    assert_eq!((stage.held("B").await, stage.level("B").await), (8, (92, 8)));
    drop(still);
    stage.world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_and_restarted_empty() {
    loses(
        async |_| {},
        async |stage| {
            stage.redis.kill().await;
            stage.redis.restart().await;
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restored_from_an_older_dump() {
    loses(
        async |stage| {
            stage.redis.command("SAVE").await;
        },
        async |stage| {
            stage.redis.kill().await;
            stage.redis.restart().await;
            assert_ne!(stage.redis.command("DBSIZE").await, ":0", "the older data are there again");
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flushed() {
    loses(
        async |_| {},
        async |stage| {
            stage.redis.command("FLUSHALL").await;
        },
    )
    .await;
}

/// What it has taken over are the data of a replica that had been cut off before the lock was taken.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stale_replica_is_promoted() {
    let replica = testing::private_redis().await;
    loses(
        async |stage| {
            replica.follow(&stage.redis).await;
            replica.lead().await;
        },
        async |stage| {
            stage.redis.follow(&replica).await;
            stage.redis.lead().await;
        },
    )
    .await;
}

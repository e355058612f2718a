//! A database that fails: no order lost, none doubled, none failed by another.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::json;
use sqlx::{Connection, Executor, PgConnection};
use tokio::time::{Instant, timeout};

use crate::shop::{Shop, until, wanted};

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_the_database_refuses_fails_alone() {
    let shop = Shop::open().await;
    // One committer, which waits: so all requests come into one transaction.
    let one = [("PLUMBLINE_COMMITTERS", "1"), ("PLUMBLINE_COMMIT_LINGER_MILLIS", "300")];
    let order_service = shop.instance_with(&one).await;
    shop.database.execute("ALTER TABLE orders ADD CHECK (customer_id <> 'unlucky')").await.unwrap();
    let sent: Vec<_> = (0..10)
        .map(|n| {
            let client = order_service.client.clone();
            let customer = if n == 4 { "unlucky" } else { "lucky" };
            let body = json!({"customer_id": customer, "lines": [{"sku": "A", "quantity": 1}]});
            tokio::spawn(async move { client.post(&body, &[]).await })
        })
        .collect();
    for (n, answer) in sent.into_iter().enumerate() {
        let answer = answer.await.unwrap();
        if n == 4 {
            let problem = answer.problem(500);
            assert!(!problem.detail.contains("check"), "{answer}");
        } else {
            answer.order(202);
        }
    }
    assert_eq!(shop.number("SELECT count(*) FROM orders").await, 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_cut_again_and_again_lose_and_double_nothing() {
    let shop = Shop::open().await;
    // How many tries an order needs is the machine's affair.
    let order_service = shop.instance_with(&[("PLUMBLINE_COMMIT_PATIENCE_SECONDS", "60")]).await;
    let client = order_service.client.clone();
    let mut placing = tokio::spawn(async move {
        let mut placed = Vec::new();
        for n in 0..150 {
            placed
                .push(client.post(&wanted(&[("A", 1)]), &[("Idempotency-Key", &format!("k{n}"))]).await.order(202).id);
        }
        placed
    });
    let mut cutter = PgConnection::connect(&shop.variables()["PLUMBLINE_DATABASE_URL"]).await.unwrap();
    // Some pauses are long enough for a transaction on a busy machine: an order may be cut off again and again, not for ever.
    let mut pauses = [10, 30, 100, 500].into_iter().map(Duration::from_millis).cycle();
    let placed = loop {
        let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
             WHERE datname = current_database() AND application_name = 'plumbline-order'";
        let _: i64 = sqlx::query_scalar(cut).fetch_one(&mut cutter).await.unwrap();
        if let Ok(placed) = timeout(pauses.next().unwrap(), &mut placing).await {
            break placed.unwrap();
        }
    };
    assert_eq!(shop.number("SELECT count(*) FROM orders").await, 150);
    for id in placed {
        order_service.read(id).await;
    }
    until("the outbox to be empty", || async { (shop.number("SELECT count(*) FROM outbox").await == 0).then_some(()) })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_does_not_answer_in_time_is_answered_503_and_then_all_is_well_again() {
    let shop = Shop::open().await;
    let order_service = shop.instance_with(&[("PLUMBLINE_COMMIT_PATIENCE_SECONDS", "1")]).await;
    let mut locked = shop.database.begin().await.unwrap();
    locked.execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let began = Instant::now();
    let answer = order_service.post(&wanted(&[("A", 1)]), &[]).await;
    answer.problem(503);
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert!(began.elapsed() >= Duration::from_secs(1));
    locked.rollback().await.unwrap();
    let order = order_service.place(&[("A", 1)]).await;
    assert_eq!(order_service.read(order.id).await.id, order.id);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_orders_than_may_wait_are_refused_at_once() {
    let shop = Shop::open().await;
    let narrow = [("PLUMBLINE_COMMITTERS", "1"), ("PLUMBLINE_COMMIT_BATCH_MAX", "1"), ("PLUMBLINE_COMMIT_QUEUE", "3")];
    let order_service = shop.instance_with(&narrow).await;
    let mut locked = shop.database.begin().await.unwrap();
    locked.execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let sent: Vec<_> = (0..20)
        .map(|_| {
            let client = order_service.client.clone();
            tokio::spawn(async move { client.post(&wanted(&[("A", 1)]), &[]).await })
        })
        .collect();
    // At most three wait and one is on its way; the others need not wait for the lock.
    until("the others to be refused", || async {
        (sent.iter().filter(|answer| answer.is_finished()).count() >= 16).then_some(())
    })
    .await;
    locked.rollback().await.unwrap();
    let mut accepted = 0;
    for answer in sent {
        let answer = answer.await.unwrap();
        match answer.status {
            StatusCode::ACCEPTED => accepted += 1,
            _ => assert_eq!((answer.problem(503).status, answer.header("retry-after")), (503, Some("1"))),
        }
    }
    assert_eq!(shop.number("SELECT count(*) FROM orders").await, accepted);
}

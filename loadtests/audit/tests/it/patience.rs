//! What is wrong only until work in flight arrives.

use std::time::Duration;

use audit::Report;
use sqlx::PgPool;

use crate::world::{World, eventually};

/// Audits while somebody locks inventory's stock, and, when the first look has its snapshots and waits for the lock,
/// does `meanwhile` and lets go.
async fn audit_and(world: &World, patience: Duration, meanwhile: impl AsyncFnOnce()) -> Report {
    let mut lock = world.inventory.begin().await.unwrap();
    sqlx::query("LOCK TABLE stock IN ACCESS EXCLUSIVE MODE").execute(&mut *lock).await.unwrap();
    let moving_on = async {
        eventually("the first look waits", async || waits(&world.order, &world.inventory).await).await;
        meanwhile().await;
        lock.commit().await.unwrap();
    };
    let (report, ()) = tokio::join!(world.audit(patience), moving_on);
    report.unwrap()
}

/// Whether the audit stands in a transaction in one database, and waits for a lock in the other.
async fn waits(order: &PgPool, inventory: &PgPool) -> bool {
    let open = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND
        application_name = 'plumbline-audit' AND xact_start IS NOT NULL";
    let open: i64 = sqlx::query_scalar(open).fetch_one(order).await.unwrap();
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND
        application_name = 'plumbline-audit' AND wait_event_type = 'Lock'";
    let waiting: i64 = sqlx::query_scalar(waiting).fetch_one(inventory).await.unwrap();
    (open, waiting) == (1, 1)
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_arrives_between_two_looks_is_no_violation() {
    let world = World::new().await;
    let id = world.orders.confirmed;
    world.in_order(format!("UPDATE orders SET status = 0 WHERE id = '{id}'")).await;
    let confirm = async || world.in_order(format!("UPDATE orders SET status = 1 WHERE id = '{id}'")).await;
    let report = audit_and(&world, Duration::from_secs(60), confirm).await;
    assert!(report.passed(), "{report}");
    assert_eq!((report.looks, report.counts.orders.pending), (2, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_began_after_the_first_look_is_none_even_without_patience() {
    let world = World::new().await;
    let (id, next) = (world.orders.confirmed, world.orders.other);
    world.in_order(format!("UPDATE orders SET status = 0 WHERE id = '{id}'")).await;
    let go_on = async || {
        let status = format!("CASE id WHEN '{id}' THEN 1 ELSE 0 END");
        world.in_order(format!("UPDATE orders SET status = {status} WHERE id IN ('{id}', '{next}')")).await;
    };
    let report = audit_and(&world, Duration::ZERO, go_on).await;
    assert!(report.passed(), "{report}");
    assert_eq!((report.looks, report.counts.orders.pending), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stays_wrong_is_looked_at_again_until_patience_is_over() {
    let world = World::new().await;
    let id = world.orders.confirmed;
    world.in_order(format!("UPDATE orders SET status = 0 WHERE id = '{id}'")).await;
    let report = world.audit(Duration::from_millis(500)).await.unwrap();
    assert_eq!(report.violations(), 1);
    assert!(report.looks >= 2 && report.seconds >= 0.5, "{report}");
    assert!(report.to_string().contains(&format!("order {id}: expected a decision")), "{report}");
}

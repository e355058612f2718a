//! Going from one strategy to another while two instances sell one product.

use std::sync::atomic::{AtomicI64, Ordering};

use contracts::OrderId;
use coordination::{Name, settings::Control};
use futures::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::{instance::Instance, stage::Stage};
use crate::world::{answer, placed, push, until};

const STRATEGY: Name = Name::literal("inventory.locks.strategy");
/// Delivered before each strategy.
const DELIVERED: i64 = 60;
/// So many of them are ordered by events.
const ORDERED: i64 = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_all_safe_strategies_exactly_what_is_there_is_sold() {
    let quick = [("PLUMBLINE_LOCK_PATIENCE_MILLIS", "5000")];
    let mut stage = Stage::start("redis-fenced", "3000", &quick).await;
    stage.world.stock_up(&[("A", 0)]).await;
    let instances: [Instance; 2] = stage.only_processes(&[]).await;
    let control = Control::new(&stage.cluster);
    let strategies = ["redis-fenced", "database", "coordination", "redis-fenced", "coordination", "database"];
    for (turn, strategy) in strategies.into_iter().enumerate() {
        // While it is gone over from one to the other, all go on.
        let ((), sold) = tokio::join!(
            async {
                until("the setting to be taken", async || {
                    control.set(&STRATEGY, Some(strategy), "a test").await.is_ok().then_some(())
                })
                .await;
            },
            sell(&stage, &instances)
        );
        until("both to lock by it", async || {
            let label = format!("plumbline_lock_strategy=\"{strategy}\"");
            let mut all = true;
            for instance in &instances {
                instance.reserve(OrderId::generate(), &[("A", 1)]).await;
                all &= instance.metric("plumbline_locks_wait_seconds_count", &label).await > 0.0;
            }
            all.then_some(())
        })
        .await;
        let all = DELIVERED * (turn as i64 + 1);
        assert_eq!((stage.level("A").await, stage.held("A").await), ((0, all), all), "{sold} by requests, {strategy}");
    }
    stage.end_processes(instances).await;
}

/// Delivers, and sells to whoever comes until nothing is left; how many were sold to those who asked directly.
async fn sell(stage: &Stage, instances: &[Instance; 2]) -> i64 {
    deliver(&instances[0]).await;
    let orders: Vec<OrderId> = (0..ORDERED).map(|_| OrderId::generate()).collect();
    stage.world.publish(|batch| orders.iter().for_each(|order| push(batch, &placed(*order, &[("A", 1)])))).await;
    let sold = AtomicI64::new(0);
    let customer = async |n: usize| while customer(&instances[n % 2], &sold).await {};
    join_all((0..6).map(customer)).await;
    until("all orders to be decided", async || {
        let decided: i64 = sqlx::query_scalar("SELECT count(*) FROM reservations WHERE order_id = ANY($1)")
            .bind(orders.iter().map(|order| order.as_uuid()).collect::<Vec<_>>())
            .fetch_one(&stage.world.database)
            .await
            .unwrap();
        (decided == ORDERED).then_some(())
    })
    .await;
    sold.into_inner()
}

async fn deliver(instance: &Instance) {
    until("the delivery to be taken", async || {
        let adjusting = instance.request(Method::POST, "/stock/A/adjustments");
        let adjusting = adjusting.json(&json!({"delta": DELIVERED, "reason": "delivery"}));
        let (status, problem) = answer(adjusting).await;
        assert!(matches!(status.as_u16(), 200 | 503), "{problem}");
        (status == StatusCode::OK).then_some(())
    })
    .await;
}

/// Buys one piece, asking until there is an answer; whether there was one left.
async fn customer(instance: &Instance, sold: &AtomicI64) -> bool {
    let id = OrderId::generate();
    until("an answer", async || {
        let (status, answered) = instance.reserve(id, &[("A", 1)]).await;
        match status.as_u16() {
            200 | 201 => {
                sold.fetch_add(1, Ordering::Relaxed);
                Some(true)
            }
            409 => Some(false),
            503 => None,
            _ => panic!("{status}: {answered}"),
        }
    })
    .await
}

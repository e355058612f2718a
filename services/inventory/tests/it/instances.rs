use std::sync::atomic::{AtomicI64, Ordering};

use contracts::OrderId;
use futures::future::join_all;

use crate::world::{World, cancelled, confirmed, placed, push};

const SKUS: [&str; 5] = ["A", "B", "C", "D", "E"];
const AT_FIRST: i64 = 400;

/// What an order asks for: one to three of a few busy products, in any order of SKUs.
fn lines(n: usize) -> Vec<(&'static str, i64)> {
    (0..=n % 3).map(|i| (SKUS[(n * 7 + i * 3) % SKUS.len()], 1 + ((n + i) % 3) as i64)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_instances_and_an_operator_on_a_few_busy_products_keep_the_sum() {
    let mut world = World::start().await;
    world.start_another().await;
    world.stock_up(&SKUS.map(|sku| (sku, AT_FIRST))).await;
    let adjusted = AtomicI64::new(0);
    let orders: Vec<OrderId> = (0..1_200).map(|_| OrderId::generate()).collect();
    tokio::join!(
        async {
            for (wave, orders) in orders.chunks(100).enumerate() {
                world.publish(|batch| live(batch, wave, orders)).await;
            }
        },
        async {
            for n in 0..20 {
                let delta = [3, -2, 5, -4][n % 4];
                let answers = join_all(SKUS.map(|sku| world.adjust(sku, delta, None))).await;
                let made = answers.iter().filter(|(status, _)| *status == 200).count();
                adjusted.fetch_add(made as i64 * delta, Ordering::Relaxed);
            }
        },
        async {
            // A third joins in the middle, and the partitions move.
            let mut third = world.config();
            third.common.instance = "third".to_owned();
            let third = inventory::app::App::build(third).await.unwrap();
            world.settle().await;
            third.stop().await;
        }
    );
    world.settle().await;
    check_sums(&world, adjusted.into_inner()).await;
    let (decided,): (i64,) = sqlx::query_as("SELECT count(*) FROM reservations WHERE order_id = ANY($1)")
        .bind(orders.iter().map(|order| order.as_uuid()).collect::<Vec<_>>())
        .fetch_one(&world.database)
        .await
        .unwrap();
    assert_eq!(decided, 1_200);
    world.end().await;
}

/// Of every five orders two are confirmed and one of these is cancelled, and a third is cancelled as it is.
fn live(batch: &mut messaging::outbox::Batch, wave: usize, orders: &[OrderId]) {
    for (n, order) in orders.iter().enumerate() {
        let lines = lines(wave * 100 + n);
        push(batch, &placed(*order, &lines));
        if n % 5 < 2 {
            push(batch, &confirmed(*order, &lines));
        }
        if n % 5 == 1 || n % 5 == 2 {
            push(batch, &cancelled(*order));
        }
    }
}

/// Available and reserved add up to what was put there, and reserved is what live reservations hold.
async fn check_sums(world: &World, adjusted: i64) {
    let mut sum = 0;
    for sku in SKUS {
        let (available, reserved) = world.level(sku).await;
        assert!(available >= 0 && reserved >= 0, "{sku}: {available} {reserved}");
        sum += available + reserved;
        let held: i64 = sqlx::query_scalar(
            "SELECT coalesce(sum((line->>'quantity')::bigint), 0)::bigint
               FROM reservations, jsonb_array_elements(lines) AS line WHERE status IN (0, 1) AND line->>'sku' = $1",
        )
        .bind(sku)
        .fetch_one(&world.database)
        .await
        .unwrap();
        assert_eq!(held, reserved, "{sku}");
    }
    assert_eq!(sum, AT_FIRST * SKUS.len() as i64 + adjusted);
}

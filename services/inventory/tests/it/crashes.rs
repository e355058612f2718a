//! The service as a process that dies where it hurts, and another that goes on.

use std::{os::unix::process::ExitStatusExt, process::Stdio};

use contracts::{
    OrderId,
    stock::ReservationStatus::{Confirmed, Held, Rejected, Released},
};
use tokio::{process::Command, time::timeout};

use crate::world::{PATIENCE, World, cancelled, confirmed, placed, push};

/// Four in five of the orders can be had. Each fourth is confirmed, each fourth cancelled.
async fn dies_at(point: &str) {
    let mut world = World::start().await;
    world.stock_up(&[("A", 80), ("B", 1_000)]).await;
    world.apps.remove(0).stop().await;
    let orders: Vec<OrderId> = (0..100).map(|_| OrderId::generate()).collect();
    let lines = [("A", 1), ("B", 2)];
    world
        .publish(|batch| {
            orders.iter().for_each(|order| push(batch, &placed(*order, &lines)));
            orders.iter().step_by(4).for_each(|order| push(batch, &confirmed(*order, &lines)));
            orders.iter().skip(1).step_by(4).for_each(|order| push(batch, &cancelled(*order)));
        })
        .await;

    let mut process = Command::new(env!("CARGO_BIN_EXE_plumbline-inventory"))
        .envs(world.variables())
        .env("PLUMBLINE_CRASH_AT", point)
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let ended = timeout(PATIENCE, process.wait()).await.unwrap().unwrap();
    assert!(ended.signal().is_some(), "ended by itself: {ended}");

    world.start_another().await;
    world.settle().await;
    let mut held = 0;
    for (n, order) in orders.iter().enumerate() {
        let status = world.reservation(*order).await.unwrap().status;
        let told = world.until_told(*order, 1).await;
        match status {
            Rejected => assert_eq!(told, ["rejected"]),
            Released => assert_eq!((n % 4, told), (1, vec!["reserved".to_owned(), "released".to_owned()])),
            Held | Confirmed => {
                held += 1;
                assert_eq!(told, ["reserved"]);
                assert_eq!(status == Confirmed, n % 4 == 0);
            }
        }
    }
    assert_eq!(world.level("A").await, (80 - held, held));
    assert_eq!(world.level("B").await, (1_000 - 2 * held, 2 * held));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn before_the_commit_of_a_batch() {
    dies_at("consumer.before-commit").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_the_commit_of_a_batch_and_before_that_of_its_offsets() {
    dies_at("consumer.handled").await;
}

/// The orders themselves are the first eight frames, one a bucket; what is decided about them comes behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_the_commit_and_before_the_sending() {
    dies_at("relay.before-send:9").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_kafkas_acknowledgement_and_before_the_deletion() {
    dies_at("relay.acknowledged").await;
}

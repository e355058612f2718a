//! Whether what is measured is what happened.

use std::{
    sync::atomic::Ordering::SeqCst,
    time::{Duration, Instant},
};

use driver::{
    Drive, Limit, Rate, Targets,
    summary::{Mode, Summary},
    synthetic::{self, Load},
};

use crate::server::{Fate, Server};

pub(crate) fn drive(server: &Server, seconds: u64) -> Drive {
    let limit = Limit { orders: 1_000_000, sending: Duration::from_secs(seconds) };
    Drive { limit, ..Drive::new(server.targets()) }
}

pub(crate) fn per_second(rate: f64) -> Load {
    Load { rate: Some(Rate::new(rate).unwrap()), ..Load::default() }
}

pub(crate) async fn run(drive: Drive, load: Load) -> Summary {
    synthetic::run(drive, load, |_| {}).await.unwrap()
}

#[tokio::test]
async fn orders_are_sent_at_their_rate_and_read_back() {
    let server = Server::well();
    let summary = run(drive(&server, 1), per_second(400.0)).await;

    assert_eq!((summary.planned, summary.acknowledged, summary.settled.confirmed), (400, 400, 400));
    assert!(summary.seconds > 0.99, "400 orders at 400/s took {} s", summary.seconds);
    assert!(summary.is_complete());
    assert_eq!(summary.settled.end_to_end_ms.count, 400);
    assert!(summary.settled.end_to_end_ms.p50 <= summary.acknowledgement_ms.p50 + 1.0);
    let (acknowledged, decided): (Vec<u32>, Vec<u32>) =
        summary.by_second.iter().map(|second| (second.acknowledged, second.decided)).unzip();
    assert_eq!((acknowledged.iter().sum::<u32>(), decided.iter().sum::<u32>()), (400, 400));
    assert!(summary.to_string().contains("confirmed             400"), "{summary}");
}

#[tokio::test]
async fn saturation_keeps_every_connection_busy_and_ends_at_its_limit() {
    let server = Server::start(|_| Fate::AnswerAt(Instant::now() + Duration::from_millis(2)));
    let limit = Limit { orders: 2_000, sending: Duration::from_secs(60) };
    let drive = Drive { connections: 7, limit, ..drive(&server, 1) };
    let summary = run(drive, Load { rate: None, ..Load::default() }).await;

    assert_eq!(
        (summary.mode, summary.planned, summary.acknowledged, summary.dropped),
        (Mode::Saturation, 2_000, 2_000, 0)
    );
    assert_eq!(server.state.most_under_way.load(SeqCst), 7);
}

#[tokio::test]
async fn saturation_ends_in_time() {
    let server = Server::well();
    let began = Instant::now();
    let summary = run(drive(&server, 1), Load { rate: None, ..Load::default() }).await;
    assert!(summary.acknowledged > 0);
    assert_eq!(summary.settled.confirmed, summary.acknowledged);
    assert!(began.elapsed() < Duration::from_secs(30));
}

#[tokio::test]
async fn progress_is_told_and_a_run_that_nobody_waits_for_ends() {
    let server = Server::well();
    let (told, mut progress) = tokio::sync::mpsc::unbounded_channel();
    let running = tokio::spawn(synthetic::run(drive(&server, 600), per_second(200.0), move |progress| {
        let _ = told.send(*progress);
    }));
    while progress.recv().await.expect("a run tells its progress").acknowledged == 0 {}
    running.abort();
    // The sender is dropped with the run.
    let end = async { while progress.recv().await.is_some() {} };
    tokio::time::timeout(Duration::from_secs(10), end).await.expect("the run ends");
}

#[tokio::test]
async fn an_idle_target_costs_one_connection_for_one_order_at_a_time() {
    let server = Server::well();
    let summary = run(drive(&server, 1), per_second(20.0)).await;
    assert_eq!(summary.acknowledged, 20);
    assert!(summary.retries.is_empty());
}

#[test]
fn load_goes_to_this_machine_only() {
    let error = Targets::parse(["http://127.0.0.1:8081", "http://192.0.2.7:8081"]).unwrap_err();
    assert!(error.to_string().contains("192.0.2.7:8081, which is not this machine"), "{error}");
}

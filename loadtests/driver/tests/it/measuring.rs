//! Whether what is measured is what happened.

use std::{
    sync::{OnceLock, atomic::Ordering::SeqCst},
    time::{Duration, Instant},
};

use driver::{
    Drive, Limit, Rate, Targets,
    summary::{Mode, Summary},
    synthetic::{self, Load},
};

use crate::server::{Fate, Server};

/// Stands still from its second second to its third, counted from the first request.
fn stalling() -> Server {
    let first = OnceLock::new();
    Server::start(move |_| {
        let stall = *first.get_or_init(Instant::now) + Duration::from_secs(1);
        let end = stall + Duration::from_secs(1);
        if (stall..end).contains(&Instant::now()) { Fate::AnswerAt(end) } else { Fate::Answer }
    })
}

fn drive(server: &Server, seconds: u64) -> Drive {
    let limit = Limit { orders: 1_000_000, sending: Duration::from_secs(seconds) };
    Drive { limit, ..Drive::new(server.targets()) }
}

fn per_second(rate: f64) -> Load {
    Load { rate: Some(Rate::new(rate).unwrap()), ..Load::default() }
}

async fn run(drive: Drive, load: Load) -> Summary {
    synthetic::run(drive, load, |_| {}).await.unwrap()
}

/// 1,000 orders a second for three seconds, of which the second one stands still: an order planned at time t in it
/// waits 2 - t. So a third of all waits, evenly from 0 to 1 s: of 3,000, 1 % waits over 0.97 s, 10 % over 0.7 s.
/// A driver that measured from sending would find just its 64 connections waiting.
#[tokio::test]
async fn a_stall_of_a_second_is_measured_as_theory_says() {
    let server = stalling();
    let summary = run(Drive { connections: 64, ..drive(&server, 3) }, per_second(1_000.0)).await;

    assert_eq!((summary.mode, summary.planned, summary.acknowledged), (Mode::OpenLoop, 3_000, 3_000));
    let found = summary.acknowledgement_ms;
    for (name, millis, expected) in [
        ("p90", found.p90, 700.0),
        ("p99", found.p99, 970.0),
        ("p99.9", found.p999, 997.0),
        ("max", found.max, 1_000.0),
    ] {
        assert!(millis > expected - 25.0, "{name} of {millis} ms hides part of the stall: {found:?}");
        assert!(millis < expected + 400.0, "{name} of {millis} ms is more than the stall: {found:?}");
    }
    assert!(summary.send_lag_ms.max > 800.0, "orders waited for one of 64 connections: {:?}", summary.send_lag_ms);
}

/// The same stall with room for 100: of the 1,000 planned in that second, 900 find no room.
#[tokio::test]
async fn what_the_cap_keeps_back_is_counted() {
    let server = stalling();
    let drive = Drive { connections: 50, in_flight: 100, ..drive(&server, 3) };
    let summary = run(drive, per_second(1_000.0)).await;

    assert_eq!(summary.planned, 3_000);
    assert_eq!(summary.sent + summary.dropped, 3_000);
    assert_eq!(summary.acknowledged, summary.sent);
    assert!((850..1_500).contains(&summary.dropped), "{} dropped", summary.dropped);
    assert_eq!(server.state.books.open().orders.len() as u64, summary.sent);
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

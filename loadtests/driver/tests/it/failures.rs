//! Failing services: every order is acknowledged once, or known not to be.

use std::{
    net::TcpListener,
    path::Path,
    sync::Mutex,
    time::{Duration, Instant},
};

use contracts::order::OrderStatus;
use driver::{
    Drive, Failure, Limit, Rate, Retry, Targets, ledger,
    summary::Summary,
    synthetic::{self, Load},
};

use crate::server::{Books, Fate, Server};

fn drive(targets: Targets, orders: u64) -> Drive {
    let limit = Limit { orders, sending: Duration::from_secs(60) };
    Drive { limit, ..Drive::new(targets) }
}

fn load() -> Load {
    Load { rate: Some(Rate::new(500.0).unwrap()), ..Load::default() }
}

async fn run(drive: Drive) -> Summary {
    synthetic::run(drive, load(), |_| {}).await.unwrap()
}

/// An address where nothing listens.
fn nowhere() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap()
}

fn entries(path: &Path) -> Vec<ledger::Entry> {
    ledger::read(path).unwrap()
}

#[tokio::test]
async fn cut_answers_and_passing_refusals_place_each_order_once() {
    let server = Server::start(|n| match n % 5 {
        1 => Fate::Cut,
        3 => Fate::Status(503),
        _ => Fate::Answer,
    });
    let folder = tempfile::tempdir().unwrap();
    let path = ledger::path(&folder.path().join("runs"), "cuts");
    let summary = run(Drive { ledger: Some(path.clone()), ..drive(server.targets(), 300) }).await;

    assert_eq!((summary.planned, summary.acknowledged), (300, 300), "{summary}");
    assert!(summary.is_complete(), "{summary}");
    assert!(summary.retries[&Failure::Closed] >= 60, "{summary}");
    assert!(summary.retries[&Failure::Status(503)] >= 60, "{summary}");

    let books = server.state.books.open();
    assert_eq!(books.orders.len(), 300);
    let entries = entries(&path);
    assert_eq!(entries.len(), 300);
    for entry in entries {
        assert_eq!(entry.id, Some(books.orders[books.by_key[&entry.key]].id));
        assert_eq!(entry.status, Some(202));
    }
}

#[tokio::test]
async fn a_dead_instance_is_passed_over() {
    let server = Server::well();
    let dead = nowhere().local_addr().unwrap();
    let targets = Targets::parse([format!("http://{dead}"), server.url()]).unwrap();
    let summary = run(drive(targets, 200)).await;
    assert_eq!((summary.acknowledged, summary.settled.confirmed), (200, 200), "{summary}");
    assert!(summary.retries[&Failure::Connect] > 0, "{summary}");
}

#[tokio::test]
async fn a_service_that_comes_back_gets_every_order() {
    let listener = nowhere();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let targets = Targets::parse([format!("http://{address}")]).unwrap();
    let revived: &'static Mutex<Option<Server>> = Box::leak(Box::default());

    let summary = synthetic::run(drive(targets, 400), load(), move |progress| {
        let mut revived = revived.lock().unwrap();
        if progress.retries > 50 && revived.is_none() {
            *revived = Some(Server::on(TcpListener::bind(address).unwrap(), Books::default(), |_| Fate::Answer));
        }
    })
    .await
    .unwrap();
    assert_eq!((summary.planned, summary.acknowledged, summary.dropped), (400, 400, 0), "{summary}");
    let server = revived.lock().unwrap().take().unwrap();
    assert_eq!(server.state.books.open().orders.len(), 400);
}

#[tokio::test]
async fn an_instance_that_hangs_is_left_and_the_order_is_placed_once() {
    let books = Books::default();
    let hour = Duration::from_secs(3_600);
    let hanging = Server::on(nowhere(), books.clone(), move |_| Fate::AnswerAt(Instant::now() + hour));
    let well = Server::on(nowhere(), books.clone(), |_| Fate::Answer);
    let targets = Targets::parse([hanging.url(), well.url()]).unwrap();
    let retry = Retry { answer_within: Duration::from_millis(300), ..Retry::default() };
    let summary = run(Drive { retry, ..drive(targets, 100) }).await;
    assert_eq!(summary.acknowledged, 100, "{summary}");
    assert!(summary.retries[&Failure::TimedOut] > 0, "{summary}");
    assert_eq!(books.open().orders.len(), 100);
}

#[tokio::test]
async fn what_may_exist_is_told_from_what_cannot() {
    let quickly = Retry { give_up_after: Duration::from_millis(200), ..Retry::default() };
    let cutting = Server::start(|_| Fate::Cut);
    let folder = tempfile::tempdir().unwrap();
    let path = ledger::path(folder.path(), "unknown");
    let settings = Drive { retry: quickly, ledger: Some(path.clone()), ..drive(cutting.targets(), 20) };
    let summary = run(settings).await;
    assert_eq!((summary.sent, summary.acknowledged, summary.unknown[&Failure::Closed]), (20, 0, 20), "{summary}");
    assert!(entries(&path).iter().all(|entry| entry.id.is_none() && entry.status.is_none()));

    let dead = Targets::parse([format!("http://{}", nowhere().local_addr().unwrap())]).unwrap();
    let summary = run(Drive { retry: quickly, ..drive(dead, 20) }).await;
    assert_eq!((summary.sent, summary.undelivered[&Failure::Connect]), (20, 20), "{summary}");
    assert!(summary.unknown.is_empty() && !summary.is_complete());
}

#[tokio::test]
async fn refusals_are_counted_with_what_they_say() {
    let server = Server::well();
    server.state.books.open().products.insert("OTHER".parse().unwrap(), product());
    let summary = run(drive(server.targets(), 10)).await;
    let refusals = summary.refused.values().next().unwrap();
    assert_eq!((summary.acknowledged, refusals.count), (0, 10));
    assert!(refusals.example.contains("/lines/0/sku is not in the catalogue"), "{}", refusals.example);
    assert_eq!(server.state.requests(), 0);
}

fn product() -> contracts::catalogue::Product {
    let unit_price = contracts::Money { minor: 1, currency: contracts::Currency::GBP };
    contracts::catalogue::Product { sku: "OTHER".parse().unwrap(), name: "Other".to_owned(), unit_price, version: 1 }
}

#[tokio::test]
async fn orders_that_stay_pending_are_told_when_time_is_over() {
    let server = Server::well();
    server.state.books.open().decision = Some(OrderStatus::Pending);
    let settle_within = Duration::from_millis(300);
    let summary = run(Drive { settle_within, ..drive(server.targets(), 30) }).await;
    assert_eq!((summary.acknowledged, summary.settled.undecided), (30, 30), "{summary}");
    assert!(!summary.is_complete());
}

#[tokio::test]
async fn acknowledged_orders_that_are_gone_are_missing() {
    let server = Server::well();
    let books = server.state.books.clone();
    let summary = synthetic::run(drive(server.targets(), 30), load(), move |progress| {
        if progress.acknowledged == 30 {
            books.open().orders.truncate(0);
        }
    });
    let settled = summary.await.unwrap().settled;
    assert_eq!(settled.confirmed + settled.missing, 30);
}

#[tokio::test]
async fn a_run_repeated_under_its_name_places_nothing_twice() {
    let server = Server::well();
    let drive = Drive { run: "again".to_owned(), ..drive(server.targets(), 50) };
    let first = run(drive.clone()).await;
    let second = run(drive).await;
    assert_eq!((first.acknowledged, second.acknowledged), (50, 50));
    assert_eq!(server.state.books.open().orders.len(), 50);
}

#[tokio::test]
async fn settings_that_make_no_run_are_refused() {
    let targets = Targets::parse(["http://127.0.0.1:1"]).unwrap();
    let base = drive(targets, 1);
    for (name, broken) in [
        ("connections", Drive { connections: 0, ..base.clone() }),
        ("connections", Drive { connections: 100_000, ..base.clone() }),
        ("in-flight", Drive { in_flight: 1, ..base.clone() }),
        ("orders", Drive { limit: Limit { orders: 0, ..base.limit }, ..base.clone() }),
        ("time", Drive { limit: Limit { sending: Duration::from_secs(1 << 20), ..base.limit }, ..base.clone() }),
        ("name", Drive { run: "a b".to_owned(), ..base.clone() }),
    ] {
        let error = synthetic::run(broken, load(), |_| {}).await.unwrap_err().to_string();
        assert!(error.contains(name), "{error}");
    }
}

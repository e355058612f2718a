//! December once more, against a server.

use std::time::Duration;

use driver::{
    Drive, Limit, Rate, ledger,
    replay::{self, Pace, ReplayError, Returns},
    retail::Retail,
    seed::{Cover, Seeding},
};

use crate::{
    retail_file::december,
    server::{Server, token},
};

fn rate(rate: f64) -> Rate {
    Rate::new(rate).unwrap()
}

async fn seeded(retail: &Retail) -> Server {
    let server = Server::well();
    let seeding = Seeding::new(server.targets(), server.targets(), token());
    seeding.run(&retail.wares(Cover::default()), |_| {}).await.unwrap();
    server
}

#[tokio::test]
async fn every_order_and_return_of_december_arrives_once() {
    let retail = december();
    let server = seeded(&retail).await;
    let folder = tempfile::tempdir().unwrap();
    let path = ledger::path(folder.path(), "december");
    let drive = Drive { ledger: Some(path.clone()), ..Drive::new(server.targets()) };
    let returns = Returns { inventory: server.targets(), token: token() };
    let summary = replay::run(drive, &retail, Pace::PerSecond(rate(1_000.0)), Some(returns), |_| {}).await.unwrap();

    assert_eq!((summary.planned, summary.acknowledged, summary.settled.confirmed), (1_550, 1_550, 1_550), "{summary}");
    assert_eq!((summary.adjustments.planned, summary.adjustments.made), (688, 688));
    assert!(summary.is_complete(), "{summary}");
    assert_eq!(ledger::read(&path).unwrap().len(), 1_550);
    let books = server.state.books.open();
    assert_eq!(books.orders.len(), 1_550);
    assert_eq!(books.bodies.iter().map(|body| body.lines.len()).sum::<usize>(), 41_315);
    let returned = books.adjustments.values().filter(|made| made.reason == "return");
    assert_eq!(returned.count(), 688);
}

#[tokio::test]
async fn real_times_are_kept_to_scale() {
    let mut retail = december();
    // The first day, 08:26 to 17:37, at 18,000 times its pace: under two seconds.
    let first = retail.happenings[0].at().date();
    retail.happenings.retain(|happening| happening.at().date() == first);
    let whole_day = retail.happenings.last().unwrap().at() - retail.happenings[0].at();
    let server = seeded(&retail).await;
    let summary =
        replay::run(Drive::new(server.targets()), &retail, Pace::Faster(rate(18_000.0)), None, |_| {}).await.unwrap();
    assert_eq!(summary.acknowledged as usize, retail.sales().count());
    assert_eq!(summary.adjustments.planned, 0);
    let expected = whole_day.as_seconds_f64() / 18_000.0;
    assert!(summary.seconds > expected - 0.05, "{} s for {expected} s", summary.seconds);
}

#[tokio::test]
async fn a_replay_that_would_take_too_long_is_refused_before_it_begins() {
    let retail = december();
    let server = Server::well();
    let limit = Limit { orders: 1_000_000, sending: Duration::from_secs(60) };
    let drive = Drive { limit, ..Drive::new(server.targets()) };
    let error = replay::run(drive, &retail, Pace::Faster(rate(1.0)), None, |_| {}).await.unwrap_err();
    assert!(matches!(error, ReplayError::TooLong { .. }), "{error}");
    assert_eq!(server.state.requests(), 0);
}

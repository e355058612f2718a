//! A server that stands still for a second: what is measured is what has happened, by the server's own books. However slow
//! the machine is, they say so; all that they can't know is how long the driver's thread was kept from taking an answer.

use std::{
    sync::OnceLock,
    time::{Duration, Instant},
};

use contracts::Timestamp;
use driver::{
    Drive, ledger,
    summary::{Mode, Summary},
};
use local::testing::Pauses;

use crate::{
    measuring::{drive, per_second, run},
    server::{Fate, Server},
};

/// Orders a second, so that one is planned each millisecond.
const RATE: f64 = 1_000.0;
/// How far apart two figures of one time may be: they come of two clocks, and of a histogram with three digits.
const ROUNDING: f64 = 25.0;

/// Stands still from its second second to its third, counted from the first request.
fn stalling() -> Server {
    let first = OnceLock::new();
    Server::start(move |_| {
        let stall = *first.get_or_init(Instant::now) + Duration::from_secs(1);
        let end = stall + Duration::from_secs(1);
        if (stall..end).contains(&Instant::now()) { Fate::AnswerAt(end) } else { Fate::Answer }
    })
}

/// What is known of an order that was sent, in milliseconds from when the first was to be sent.
struct Known {
    planned: f64,
    /// When the server had decided it, and was about to answer.
    decided: f64,
}

/// What has become of three seconds of orders.
struct Stall {
    summary: Summary,
    /// By when they were to be sent.
    orders: Vec<Known>,
    /// How long an answer may have lain before the driver took it, in milliseconds.
    lain: f64,
}

impl Stall {
    async fn befalls(settings: impl FnOnce(Drive) -> Drive) -> Self {
        let (server, folder, pauses) = (stalling(), tempfile::tempdir().unwrap(), Pauses::watch());
        let ledger = ledger::path(folder.path(), "stall");
        let settings = settings(Drive { ledger: Some(ledger.clone()), ..drive(&server, 3) });
        let summary = run(settings, per_second(RATE)).await;
        let page = server.state.books.open();
        assert_eq!(page.orders.len() as u64, summary.sent);
        let entries = ledger::read(&ledger).unwrap();
        let first = entries.iter().map(|entry| entry.planned_at).min().unwrap();
        let since = |time: Timestamp| (time.unix_micros() - first.unix_micros()) as f64 / 1e3;
        let known = entries.iter().map(|entry| {
            let decided = page.orders[page.by_key[&entry.key]].placed_at;
            Known { planned: since(entry.planned_at), decided: since(decided) }
        });
        let mut orders: Vec<Known> = known.collect();
        orders.sort_by(|a, b| a.planned.total_cmp(&b.planned));
        // The driver's timers are of the same thread.
        Self { summary, orders, lain: ROUNDING + pauses.allowance().as_secs_f64() * 1e3 }
    }

    /// So many of 1,000 orders waited no longer, as far as the server knows.
    fn at_least(&self, of_1000: usize) -> f64 {
        let mut waits: Vec<f64> = self.orders.iter().map(|order| order.decided - order.planned).collect();
        waits.sort_by(f64::total_cmp);
        waits[(waits.len() * of_1000).div_ceil(1_000) - 1]
    }

    /// How many may have been on their way at a time, of those that were planned before.
    fn on_their_way(&self, planned: f64) -> usize {
        let before = self.orders.iter().take_while(|order| order.planned < planned);
        before.filter(|order| order.decided + self.lain > planned).count()
    }
}

/// 1,000 orders a second for three seconds, of which the second one stands still: an order planned at time t in it
/// waits 2 - t. So a third of all waits, evenly from 0 to 1 s: of 3,000, 1 % waits over 0.97 s, 10 % over 0.7 s.
/// A driver that measured from sending would find just its 64 connections waiting.
#[tokio::test]
async fn a_stall_of_a_second_is_measured_as_theory_says() {
    let stall = Stall::befalls(|drive| Drive { connections: 64, ..drive }).await;
    let (summary, found) = (&stall.summary, &stall.summary.acknowledgement_ms);
    assert_eq!((summary.mode, summary.planned, summary.acknowledged), (Mode::OpenLoop, 3_000, 3_000));
    for (of_1000, millis, theory) in [(900, found.p90, 700.0), (990, found.p99, 970.0), (999, found.p999, 997.0)] {
        let (least, lain) = (stall.at_least(of_1000), stall.lain);
        assert!(millis > theory - ROUNDING, "{of_1000} in 1,000: {millis} ms hide part of the stall: {found:?}");
        assert!(millis > least - ROUNDING, "{of_1000} in 1,000: {millis} ms are less than {least}: {found:?}");
        assert!(millis < least + lain, "{of_1000} in 1,000: {millis} ms are more than {least} and {lain}: {found:?}");
    }
    assert!(found.max > 1_000.0 - ROUNDING && found.max < stall.at_least(1_000) + stall.lain, "{found:?}");
    assert!(summary.send_lag_ms.max > 800.0, "orders waited for one of 64 connections: {:?}", summary.send_lag_ms);
}

/// The same stall with room for 100: of the 1,000 planned in that second, 900 find no room, and nobody else but who would be
/// the 101st.
#[tokio::test]
async fn what_the_cap_keeps_back_is_counted() {
    let stall = Stall::befalls(|drive| Drive { connections: 50, in_flight: 100, ..drive }).await;
    let summary = &stall.summary;
    assert_eq!(summary.planned, 3_000);
    assert_eq!(summary.sent + summary.dropped, 3_000);
    assert_eq!(summary.acknowledged, summary.sent);
    assert!(summary.dropped >= 850, "{} dropped", summary.dropped);
    let sent: Vec<usize> = stall.orders.iter().map(|order| order.planned.round() as usize).collect();
    for dropped in (0..3_000).filter(|number| sent.binary_search(number).is_err()) {
        let room_for = stall.on_their_way(dropped as f64);
        assert!(room_for >= 100, "the one at {dropped} ms was dropped with {room_for} on their way");
    }
}

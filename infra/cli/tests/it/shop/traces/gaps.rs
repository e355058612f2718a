//! Whether a trace explains all the time it took.

use local::shop::Config;

use super::{
    customer::Customer,
    intervals::{Interval, longest_gap},
    model::{Span, Trace},
    stories::is_final,
};
use crate::shop::trial::Trial;

/// How many traces are looked at together, and how often at most.
///
/// Other work on the machine lengthens gaps, and shortens none. A reason that isn't told lengthens those of every trace, and
/// so it is the shorter ones that count, and a moment in which the machine has time for them.
const TRACES: usize = 20;
const ROUNDS: usize = 10;
/// The waits between one process and the next: on a quiet machine a single one may be shorter than what is bearable.
const QUEUES: [&str; 2] = ["outbox", "broker"];
/// The longest time that may stay without a reason, in microseconds.
const BEARABLE: i64 = 1_000;

/// The times that this span gives a reason for: its own, unless it only waits for those below it, and those of its waits, as
/// the telemetry's documentation places them.
fn explains(trace: &Trace, span: &Span) -> Vec<(String, Interval)> {
    let (begin, end) = (span.start_time, span.end());
    // What is done meanwhile is told by spans of its own.
    if span.operation_name == "hold lock" {
        return Vec::new();
    }
    let is_below = |other: &&Span| other.parent(&trace.id) == Some(&span.id);
    let contains = |other: &Span| (begin..end).contains(&other.start_time);
    // A message may be processed before its sender is told that Kafka has it.
    let is_sending = span.operation_name.starts_with("send ");
    let mut times = Vec::new();
    if is_sending || !trace.spans.iter().filter(is_below).any(contains) {
        times.push((span.operation_name.clone(), (begin, end)));
    }
    let wait = |name: &str| span.wait(&format!("plumbline.wait.{name}"));
    let turn = begin + wait("batch").or(wait("retry")).unwrap_or(0) + wait("lock").unwrap_or(0);
    let placed = [
        ("commit_queue", begin, 1),
        ("outbox", begin, -1),
        ("broker", begin, -1),
        ("batch", begin, 1),
        ("retry", begin, 1),
        ("pool", turn, 1),
        ("begin", turn + wait("pool").unwrap_or(0), 1),
        ("decision", end, -1),
    ];
    for (name, at, direction) in placed {
        if let Some(waited) = wait(name) {
            let other = at + direction * waited;
            times.push((name.to_owned(), (at.min(other), at.max(other))));
        }
    }
    times
}

/// The longest time of a trace that has no reason, were these not there.
fn gap(trace: &Trace, without: &[&str]) -> Interval {
    let begin = trace.spans.iter().map(|span| span.start_time).min().unwrap();
    let end = trace.spans.iter().map(Span::end).max().unwrap();
    let reasons = trace.spans.iter().flat_map(|span| explains(trace, span));
    let reasons = reasons.filter(|(name, _)| !without.contains(&name.as_str()));
    longest_gap((begin, end), reasons.map(|(_, interval)| interval))
}

/// The longest time without a reason in the traces that the machine held up least: a fifth of them have a shorter one.
fn longest(traces: &[Trace], without: &[&str]) -> i64 {
    let mut gaps: Vec<_> = traces.iter().map(|trace| gap(trace, without)).map(|(from, until)| until - from).collect();
    gaps.sort_unstable();
    gaps[gaps.len() / 5]
}

/// Where a gap lies: behind what ended or waited last, and before what begins first.
fn around(trace: &Trace, (from, until): Interval) -> String {
    let reasons: Vec<_> = trace.spans.iter().flat_map(|span| explains(trace, span)).collect();
    let before = reasons.iter().filter(|(_, (_, end))| *end <= from).max_by_key(|(_, (_, end))| *end);
    let behind = reasons.iter().filter(|(_, (begin, _))| *begin >= until).min_by_key(|(_, (begin, _))| *begin);
    let name = |found: Option<&(String, Interval)>| found.map_or("nothing", |(name, _)| name.as_str()).to_owned();
    format!("{} µs between {} and {}", until - from, name(before), name(behind))
}

#[tokio::test(flavor = "multi_thread")]
async fn no_instant_of_an_order_stays_without_a_reason() {
    let trial = Trial::open(Config { traces: true, ..Config::test() }, 300).await;
    let customer = Customer::of(&trial);
    // The first one opens connections and files.
    taken(&customer).await;
    let mut gaps = Vec::new();
    for _ in 0..ROUNDS {
        let mut traces = Vec::new();
        while traces.len() < TRACES {
            traces.push(taken(&customer).await);
        }
        gaps = traces.iter().map(|trace| around(trace, gap(trace, &[]))).collect();
        if longest(&traces, &[]) <= BEARABLE {
            // And it would be seen if they were not told any more.
            let without = longest(&traces, &QUEUES);
            assert!(without > BEARABLE, "without {QUEUES:?} {without} µs");
            return trial.closes().await;
        }
    }
    panic!("{gaps:#?}");
}

/// The trace of an order, when all has happened.
async fn taken(customer: &Customer<'_>) -> Trace {
    let placed = customer.orders(1, &[("Prefer", "wait=10")]).await;
    customer.is_told(&placed.trace, is_final).await
}

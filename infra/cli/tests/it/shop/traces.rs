//! Traces of a shop at work, as its store tells them: of the shape that the telemetry's documentation says, with no end
//! loose.

mod customer;
mod documented;
mod gaps;
mod intervals;
mod model;
mod quiet;
mod stories;

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use tokio::time::sleep;

use self::{
    documented::Documented,
    model::{Answer, Trace},
};
use super::trial::Trial;

/// How long orders may take, and their spans to come in.
const PATIENCE: Duration = Duration::from_secs(60);

/// The traces of stored orders that the store has by now.
async fn orders_so_far(trial: &Trial) -> Vec<Trace> {
    let store = trial.shop.traces().unwrap();
    let query = "service=order&operation=POST%20%2Forders&limit=2000&lookback=1h";
    let url = format!("http://{store}/api/traces?{query}");
    let answer: Answer = reqwest::get(url).await.unwrap().json().await.unwrap();
    // Some requests are only to learn whether a product is known yet.
    answer.data.into_iter().filter(|trace| trace.has("order: commit order")).collect()
}

/// The traces of so many stored orders that were not there before, as soon as all of them are whole.
async fn of_orders(
    trial: &Trial,
    before: &HashSet<String>,
    orders: usize,
    is_whole: impl Fn(&Trace) -> bool,
) -> Vec<Trace> {
    let begin = Instant::now();
    loop {
        let mut traces = orders_so_far(trial).await;
        traces.retain(|trace| !before.contains(&trace.id));
        let unfinished = traces.iter().find(|trace| !is_whole(trace));
        if traces.len() >= orders && unfinished.is_none() {
            return traces;
        }
        assert!(
            begin.elapsed() < PATIENCE,
            "{} traces, of which one is {:?}",
            traces.len(),
            unfinished.map(Trace::shape)
        );
        sleep(Duration::from_millis(200)).await;
    }
}

/// A replay of so many orders leaves traces that are whole and as documented.
async fn are_whole_and_as_documented(trial: &Trial, orders: usize) {
    let replay = trial.replay(100);
    let documented = Documented::read();
    let decided = |trace: &Trace| {
        trace.has("order: process stock.v1")
            && (!confirmed(trace) || trace.has("recommendation: process orders.v1") && inventory_twice(trace))
    };
    let placed = of_orders(trial, &HashSet::new(), orders, decided).await;
    for trace in &placed {
        trace.holds_together();
        documented.holds(trace);
    }
    let confirmed = placed.iter().filter(|trace| confirmed(trace)).count();
    assert!(confirmed > 0 && confirmed < placed.len(), "{confirmed} of {} confirmed", placed.len());
    batches_are_linked(trial, &placed, &documented).await;
    trial.settles(replay).await;
}

fn confirmed(trace: &Trace) -> bool {
    let mut news = trace.spans.iter().filter(|span| span.operation_name == "process stock.v1");
    news.any(|span| span.tag("plumbline.outcome").is_some_and(|outcome| outcome == "CONFIRMED"))
}

/// Inventory has taken an order's placing and its confirmation.
fn inventory_twice(trace: &Trace) -> bool {
    trace.shape().get("inventory: process orders.v1").is_some_and(|times| *times >= 2)
}

/// A batch's own trace is found from each order's that has shared it, and the other way round.
async fn batches_are_linked(trial: &Trial, placed: &[Trace], documented: &Documented) {
    let store = trial.shop.traces().unwrap();
    let shared = placed.iter().flat_map(|trace| trace.spans.iter().map(move |span| (trace, span)));
    let shared = shared.filter(|(trace, span)| span.links(&trace.id).next().is_some());
    let mut looked_at = 0;
    for (trace, span) in shared.take(40) {
        let link = span.links(&trace.id).next().unwrap();
        let url = format!("http://{store}/api/traces/{}", link.trace);
        let answer: Answer = reqwest::get(url).await.unwrap().json().await.unwrap();
        let batch = &answer.data[0];
        batch.holds_together();
        documented.holds(batch);
        let of_batch = batch.spans.iter().find(|candidate| candidate.id == link.span).unwrap();
        assert!(of_batch.links(&batch.id).any(|back| back.trace == trace.id && back.span == span.id));
        looked_at += 1;
    }
    assert!(looked_at > 0, "at 100 orders a second some share a transaction");
}

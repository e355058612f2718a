//! Traces of a shop at work, as its store tells them: of the shape that the telemetry's documentation says, with no end
//! loose.

mod documented;

use std::{
    collections::{BTreeMap, HashMap},
    time::{Duration, Instant},
};

use local::shop::{Config, Part, Service};
use reqwest::Client;
use serde::Deserialize;
use tokio::time::sleep;

use self::documented::Documented;
use super::trial::Trial;

/// How long orders may take, and their spans to come in.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug, Deserialize)]
struct Answer {
    data: Vec<Trace>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Trace {
    #[serde(rename = "traceID")]
    id: String,
    spans: Vec<Span>,
    processes: HashMap<String, Process>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Process {
    service_name: String,
}

/// A span as Jaeger's API has it; times in microseconds.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Span {
    #[serde(rename = "spanID")]
    id: String,
    operation_name: String,
    references: Vec<Reference>,
    start_time: i64,
    duration: i64,
    tags: Vec<Tag>,
    #[serde(rename = "processID")]
    process: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reference {
    ref_type: String,
    #[serde(rename = "traceID")]
    trace: String,
    #[serde(rename = "spanID")]
    span: String,
}

#[derive(Debug, Deserialize)]
struct Tag {
    key: String,
    #[serde(rename = "type")]
    kind: String,
    value: serde_json::Value,
}

impl Span {
    fn parent(&self, trace: &str) -> Option<&str> {
        let above = self.references.iter().find(|r| r.ref_type == "CHILD_OF" && r.trace == trace);
        above.map(|reference| reference.span.as_str())
    }

    fn tag(&self, key: &str) -> Option<&serde_json::Value> {
        self.tags.iter().find(|tag| tag.key == key).map(|tag| &tag.value)
    }

    fn links<'a>(&'a self, trace: &'a str) -> impl Iterator<Item = &'a Reference> {
        self.references.iter().filter(move |reference| reference.trace != trace)
    }
}

/// The traces of so many stored orders, as soon as all of them are whole.
async fn of_orders(trial: &Trial, orders: usize, is_whole: impl Fn(&Trace) -> bool) -> Vec<Trace> {
    let store = trial.shop.traces().unwrap();
    let client = Client::new();
    let begin = Instant::now();
    loop {
        let query = "service=order&operation=POST%20%2Forders&limit=2000&lookback=1h";
        let url = format!("http://{store}/api/traces?{query}");
        let answer: Answer = client.get(url).send().await.unwrap().json().await.unwrap();
        // Some requests are only to learn whether a product is known yet.
        let traces: Vec<_> = answer.data.into_iter().filter(|trace| has(trace, "order: commit order")).collect();
        let unfinished = traces.iter().find(|trace| !is_whole(trace));
        if traces.len() >= orders && unfinished.is_none() {
            return traces;
        }
        assert!(begin.elapsed() < PATIENCE, "{} traces, of which one is {:?}", traces.len(), unfinished.map(shape));
        sleep(Duration::from_millis(200)).await;
    }
}

/// How often each span is in a trace, by service and name.
fn shape(trace: &Trace) -> BTreeMap<String, usize> {
    let mut shape = BTreeMap::new();
    for span in &trace.spans {
        let service = &trace.processes[&span.process].service_name;
        *shape.entry(format!("{service}: {}", span.operation_name)).or_default() += 1;
    }
    shape
}

fn has(trace: &Trace, what: &str) -> bool {
    shape(trace).contains_key(what)
}

/// One root, every parent there, and no child that begins before its parent.
fn holds_together(trace: &Trace) {
    let by_id: HashMap<&str, &Span> = trace.spans.iter().map(|span| (span.id.as_str(), span)).collect();
    assert_eq!(by_id.len(), trace.spans.len(), "a span comes twice: {trace:?}");
    let roots: Vec<_> = trace.spans.iter().filter(|span| span.parent(&trace.id).is_none()).collect();
    assert_eq!(roots.len(), 1, "one root: {roots:?}");
    for span in &trace.spans {
        let Some(parent) = span.parent(&trace.id) else { continue };
        let above = by_id.get(parent).unwrap_or_else(|| panic!("an orphan: {span:?} in {:?}", shape(trace)));
        assert!(span.duration >= 0);
        // Parts of a millisecond that the broker's timestamps lack can't matter: all clocks here are one.
        assert!(span.start_time >= above.start_time, "{span:?} begins before {above:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_trace_is_whole_and_as_documented() {
    let config = Config { traces: true, ..Config::test() };
    let trial = Trial::open(config, 500).await;
    let replay = trial.replay(100);
    let documented = Documented::read();
    let decided = |trace: &Trace| {
        has(trace, "order: process stock.v1")
            && (!confirmed(trace) || has(trace, "recommendation: process orders.v1") && inventory_twice(trace))
    };
    let placed = of_orders(&trial, 500, decided).await;
    for trace in &placed {
        holds_together(trace);
        documented.holds(trace);
    }
    let confirmed = placed.iter().filter(|trace| confirmed(trace)).count();
    assert!(confirmed > 0 && confirmed < placed.len(), "{confirmed} of {} confirmed", placed.len());
    batches_are_linked(&trial, &placed, &documented).await;
    trial.ends_well(replay).await;
}

fn confirmed(trace: &Trace) -> bool {
    let mut news = trace.spans.iter().filter(|span| span.operation_name == "process stock.v1");
    news.any(|span| span.tag("plumbline.outcome").is_some_and(|outcome| outcome == "CONFIRMED"))
}

/// Inventory has taken an order's placing and its confirmation.
fn inventory_twice(trace: &Trace) -> bool {
    shape(trace).get("inventory: process orders.v1").is_some_and(|times| *times >= 2)
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
        holds_together(batch);
        documented.holds(batch);
        let of_batch = batch.spans.iter().find(|candidate| candidate.id == link.span).unwrap();
        assert!(of_batch.links(&batch.id).any(|back| back.trace == trace.id && back.span == span.id));
        looked_at += 1;
    }
    assert!(looked_at > 0, "at 100 orders a second some share a transaction");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_whose_inventory_was_killed_has_a_trace_that_goes_on() {
    let instances = [(Service::Inventory, 2)].into_iter().collect();
    let trial = Trial::open(Config { traces: true, instances, ..Config::test() }, 200).await;
    let mut replay = trial.replay(40);
    replay.has_come_to(60).await;
    trial.shop.kill(Part::Service(Service::Inventory, Some(1))).await.unwrap();
    let decided = |trace: &Trace| has(trace, "order: process stock.v1");
    let placed = of_orders(&trial, 200, decided).await;
    let documented = Documented::read();
    placed.iter().for_each(|trace| documented.holds(trace));
    trial.shop.restart(Part::Service(Service::Inventory, Some(1))).await.unwrap();
    trial.ends_well(replay).await;
}

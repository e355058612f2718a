//! Every metric of this crate.

use std::{sync::LazyLock, time::Duration};

use opentelemetry::{
    KeyValue, global,
    metrics::{Counter, Gauge, Histogram},
};
use telemetry::{context::TraceContext, metrics::Seconds};

pub(crate) static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::new);

/// Whether a server is used.
#[derive(Debug, Clone, Copy)]
pub(crate) enum State {
    Closed = 0,
    HalfOpen = 1,
    Open = 2,
}

pub(crate) struct Metrics {
    reads: Counter<u64>,
    load: Seconds,
    wait: Seconds,
    saved: Counter<u64>,
    fills: Counter<u64>,
    changes: Counter<u64>,
    missed: Counter<u64>,
    opens: Counter<u64>,
    state: Gauge<u64>,
    size: Histogram<u64>,
    pub(crate) near_evicted: Counter<u64>,
}

impl Metrics {
    fn new() -> Self {
        let meter = global::meter("plumbline.cache");
        Self {
            reads: meter
                .u64_counter("plumbline.cache.reads")
                .with_description("Values that were asked for, by where they came from")
                .with_unit("{value}")
                .build(),
            load: Seconds::new(&meter, "plumbline.cache.load", "A call of a loader"),
            wait: Seconds::new(&meter, "plumbline.cache.wait", "Waiting for the load of another process"),
            saved: meter
                .u64_counter("plumbline.cache.loads.saved")
                .with_description("Readers that had the load of another, by where that was")
                .with_unit("{load}")
                .build(),
            fills: meter
                .u64_counter("plumbline.cache.fills")
                .with_description("Loaded values that were to be stored, by what came of it")
                .with_unit("{value}")
                .build(),
            changes: meter
                .u64_counter("plumbline.cache.changes")
                .with_description("Changes that were to be told, by what came of it")
                .with_unit("{change}")
                .build(),
            missed: meter
                .u64_counter("plumbline.cache.missed")
                .with_description("Changes that a server could not be told of at once")
                .with_unit("{change}")
                .build(),
            opens: meter
                .u64_counter("plumbline.cache.breaker.opens")
                .with_description("Times from which on a server was left alone")
                .build(),
            state: meter
                .u64_gauge("plumbline.cache.breaker.state")
                .with_description("Whether a server is used: 0 it is, 1 it is being probed, 2 it is left alone")
                .build(),
            size: meter
                .u64_histogram("plumbline.cache.value.size")
                .with_description("Values as they are stored")
                .with_unit("By")
                .with_boundaries([64, 256, 1_024, 4_096, 16_384, 65_536, 262_144].map(f64::from).to_vec())
                .build(),
            near_evicted: meter
                .u64_counter("plumbline.cache.near.evicted")
                .with_description("Entries of the cache in the process that there was no room for")
                .with_unit("{value}")
                .build(),
        }
    }

    pub(crate) fn read(&self, kind: &'static str, outcome: &'static str) {
        self.reads.add(1, &[kind_is(kind), outcome_is(outcome)]);
    }

    pub(crate) fn loaded(
        &self,
        kind: &'static str,
        outcome: &'static str,
        took: Duration,
        trace: Option<TraceContext>,
    ) {
        self.load.series(&[kind_is(kind), outcome_is(outcome)]).record(took, trace);
    }

    pub(crate) fn waited(&self, kind: &'static str, took: Duration, trace: Option<TraceContext>) {
        self.wait.series(&[kind_is(kind)]).record(took, trace);
    }

    pub(crate) fn saved(&self, kind: &'static str, place: &'static str, count: usize) {
        if count > 0 {
            self.saved.add(count as u64, &[kind_is(kind), KeyValue::new("plumbline.cache.place", place)]);
        }
    }

    pub(crate) fn filled(&self, kind: &'static str, outcome: &'static str, count: usize) {
        self.fills.add(count as u64, &[kind_is(kind), outcome_is(outcome)]);
    }

    pub(crate) fn told(&self, kind: &'static str, outcome: &'static str, count: usize) {
        if count > 0 {
            self.changes.add(count as u64, &[kind_is(kind), outcome_is(outcome)]);
        }
    }

    pub(crate) fn missed(&self, server: &str, count: usize) {
        self.missed.add(count as u64, &[server_is(server)]);
    }

    pub(crate) fn opened(&self, server: &str) {
        self.opens.add(1, &[server_is(server)]);
    }

    pub(crate) fn breaker_is(&self, server: &str, state: State) {
        self.state.record(state as u64, &[server_is(server)]);
    }

    pub(crate) fn value_size(&self, kind: &'static str, bytes: usize) {
        self.size.record(bytes as u64, &[kind_is(kind)]);
    }
}

fn kind_is(kind: &'static str) -> KeyValue {
    KeyValue::new("plumbline.cache.kind", kind)
}

fn outcome_is(outcome: &'static str) -> KeyValue {
    KeyValue::new("plumbline.outcome", outcome)
}

fn server_is(server: &str) -> KeyValue {
    KeyValue::new("server.address", server.to_owned())
}

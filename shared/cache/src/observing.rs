//! What is done, as spans and metrics show it.

use std::time::{Duration, Instant};

use telemetry::{context::TraceContext, names, spans, spans::Span};

use crate::{Cached, Source, metric_definitions::METRICS};

/// A reader.
pub(crate) struct Reading {
    kind: &'static str,
    span: Span,
}

impl Reading {
    pub(crate) fn begin(kind: &'static str, keys: usize, parent: Option<TraceContext>) -> Self {
        Self { kind, span: step("read cache", kind, keys, parent) }
    }

    pub(crate) fn end<'a, V: 'a>(mut self, read: impl Iterator<Item = &'a Cached<V>>) {
        let mut outcomes: Vec<&'static str> = Vec::new();
        for cached in read {
            let outcome = outcome(cached);
            METRICS.read(self.kind, outcome);
            outcomes.push(outcome);
        }
        let outcome = match outcomes.as_slice() {
            [] => {
                METRICS.read(self.kind, "miss");
                "miss"
            }
            [one, others @ ..] if others.iter().all(|other| other == one) => one,
            _ => "several",
        };
        self.span.set(names::shop::OUTCOME, outcome);
    }

    pub(crate) fn fail(mut self, class: &'static str) {
        METRICS.read(self.kind, class);
        self.span.set(names::shop::OUTCOME, "failed");
        self.span.fail(class, &class);
    }
}

fn outcome<V>(cached: &Cached<V>) -> &'static str {
    match (cached.source, cached.value.is_some()) {
        (Source::Near, true) => "near",
        (Source::Cache, true) => "hit",
        (Source::Near | Source::Cache, false) => "negative",
        (Source::Stale, _) => "stale",
        (Source::Shared, _) => "shared",
        (Source::Loaded, _) => "loaded",
    }
}

/// A load.
pub(crate) struct Loading {
    kind: &'static str,
    span: Span,
    parent: Option<TraceContext>,
}

impl Loading {
    pub(crate) fn begin(kind: &'static str, keys: usize, parent: Option<TraceContext>) -> Self {
        Self { kind, span: step("load for cache", kind, keys, parent), parent }
    }

    pub(crate) fn end(self, took: Duration) {
        METRICS.loaded(self.kind, "loaded", took, self.parent);
    }

    pub(crate) fn fail(&mut self, took: Duration, class: &'static str) {
        METRICS.loaded(self.kind, class, took, self.parent);
        self.span.fail(class, &class);
    }
}

/// Waiting for the load of another process.
pub(crate) struct Waiting {
    kind: &'static str,
    since: Instant,
    span: Span,
    parent: Option<TraceContext>,
}

impl Waiting {
    pub(crate) fn begin(kind: &'static str, keys: usize, parent: Option<TraceContext>) -> Self {
        Self { kind, since: Instant::now(), span: step("wait for load", kind, keys, parent), parent }
    }

    pub(crate) fn end(mut self) {
        let waited = self.since.elapsed();
        METRICS.waited(self.kind, waited, self.parent);
        self.span.set(names::wait::LOAD, waited);
    }
}

fn step(name: &'static str, kind: &'static str, keys: usize, parent: Option<TraceContext>) -> Span {
    let mut span = spans::step(name, parent);
    if span.is_recording() {
        span.set(names::cache::KIND, kind);
        span.set(names::cache::KEYS, i64::try_from(keys).unwrap_or(i64::MAX));
    }
    span
}

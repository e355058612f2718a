//! What can be asked.

use std::collections::{BTreeSet, HashSet};

use super::{
    Store,
    matching::Matching,
    model::{Span, TraceId, words},
};

/// What a trace has to have. One span must have all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// The service that the span is of.
    pub service: String,
    /// What it is called.
    pub operation: Option<String>,
    /// Attributes of the span, its events, its resource or its scope, with their values as texts.
    pub tags: Vec<(String, String)>,
    /// Earliest and latest start; nanoseconds since 1970.
    pub start: u64,
    #[expect(missing_docs, reason = "see start")]
    pub end: u64,
    /// Shortest and longest duration; nanoseconds.
    pub shortest: u64,
    #[expect(missing_docs, reason = "see shortest")]
    pub longest: u64,
    /// How many traces to return at most.
    pub limit: usize,
}

/// What a service does.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Operation {
    /// A span's name.
    pub name: String,
    /// Jaeger's word for its kind; empty where it has none.
    pub kind: &'static str,
}

impl Store {
    /// The spans of a trace, those that came first first. What was sent twice is here once. None when it isn't known.
    #[must_use]
    pub fn trace(&self, id: &TraceId) -> Vec<Span> {
        self.traces(&[*id]).pop().unwrap_or_default()
    }

    /// The spans of each of these traces.
    #[must_use]
    pub fn traces(&self, ids: &[TraceId]) -> Vec<Vec<Span>> {
        let mut chunks: Vec<Vec<Vec<Span>>> = vec![Vec::new(); ids.len()];
        self.look_at(|chunk| {
            for (id, parts) in ids.iter().zip(&mut chunks) {
                let mut spans = Vec::new();
                chunk.read(id, &mut spans);
                if !spans.is_empty() {
                    parts.push(spans);
                }
            }
        });
        chunks.into_iter().map(|parts| without_copies(parts.into_iter().rev().flatten().collect())).collect()
    }

    /// Traces that have what is searched for, the newest first, as far as it is known when they came.
    #[must_use]
    pub fn search(&self, search: &Search) -> Vec<Vec<Span>> {
        let mut found = Vec::new();
        let mut known = HashSet::new();
        self.look_at(|chunk| {
            if found.len() < search.limit {
                for id in Matching::new(chunk, search).traces(search.limit - found.len(), &known) {
                    known.insert(id);
                    found.push(id);
                }
            }
        });
        self.traces(&found).into_iter().filter(|spans| !spans.is_empty()).collect()
    }

    /// Names of all services, in their order.
    #[must_use]
    pub fn services(&self) -> Vec<String> {
        let mut services = BTreeSet::new();
        self.look_at(|chunk| {
            for operation in &chunk.operations {
                let service = chunk.words.strings.get(operation.service);
                if !services.contains(service) {
                    services.insert(service.to_owned());
                }
            }
        });
        services.into_iter().collect()
    }

    /// What a service does, in the order of the names.
    #[must_use]
    pub fn operations(&self, service: &str) -> Vec<Operation> {
        let mut operations = BTreeSet::new();
        self.look_at(|chunk| {
            let Some(service) = chunk.words.strings.find(service) else { return };
            for operation in chunk.operations.iter().filter(|operation| operation.service == service) {
                let name = chunk.words.strings.get(operation.name).to_owned();
                operations.insert(Operation { name, kind: words::kind(operation.kind).unwrap_or_default() });
            }
        });
        operations.into_iter().collect()
    }
}

/// A client that had no answer sends its spans again.
fn without_copies(spans: Vec<Span>) -> Vec<Span> {
    let mut ids = HashSet::new();
    let mut kept: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans {
        let is_copy = !ids.insert(span.span_id) && kept.contains(&span);
        if !is_copy {
            kept.push(span);
        }
    }
    kept
}

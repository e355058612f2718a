//! Which services call which.

use std::{
    collections::{BTreeMap, HashMap},
    hash::BuildHasher as _,
};

use hashbrown::DefaultHashBuilder;

use super::{
    Store,
    chunk::Chunk,
    model::{SpanId, TraceId},
};

/// Traces are taken in as many portions, so that not all of their spans' ids are held at once.
const PORTIONS: u64 = 16;

/// A service that calls another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Dependency {
    /// Who calls.
    pub parent: String,
    /// Who is called.
    pub child: String,
    /// How many spans of the child have a parent of the other.
    pub call_count: u64,
}

impl Store {
    /// Which services call which, by spans that start from `start` to `end`, in nanoseconds since 1970.
    #[must_use]
    pub fn dependencies(&self, start: u64, end: u64) -> Vec<Dependency> {
        let mut calls = BTreeMap::new();
        let hasher = DefaultHashBuilder::default();
        for portion in 0..PORTIONS {
            let is_in = |id: &TraceId| hasher.hash_one(id) % PORTIONS == portion;
            let mut names = Names::default();
            let mut services: HashMap<(TraceId, SpanId), u32> = HashMap::new();
            self.look_at(|chunk| {
                for (span, trace_id) in spans(chunk, is_in) {
                    let service = names.number(chunk.words.strings.get(chunk.operation_at(span).service));
                    services.insert((trace_id, chunk.head(span).span_id), service);
                }
            });
            self.look_at(|chunk| {
                for (span, trace_id) in spans(chunk, is_in) {
                    let head = chunk.head(span);
                    let is_in_time = (start..=end).contains(&head.start);
                    let caller = head.parent.filter(|_| is_in_time).and_then(|id| services.get(&(trace_id, id)));
                    if let Some(caller) = caller {
                        let child = chunk.words.strings.get(chunk.operation_at(span).service).to_owned();
                        *calls.entry((names.get(*caller), child)).or_default() += 1;
                    }
                }
            });
        }
        calls.into_iter().map(|((parent, child), call_count)| Dependency { parent, child, call_count }).collect()
    }
}

fn spans(chunk: &Chunk, is_in: impl Fn(&TraceId) -> bool) -> impl Iterator<Item = (u32, TraceId)> {
    let traces = chunk.traces.iter().filter(move |trace| is_in(&trace.id));
    traces.flat_map(|trace| chunk.chain(trace.last).map(|span| (span, trace.id)))
}

#[derive(Default)]
struct Names {
    names: Vec<String>,
}

impl Names {
    /// Services are few.
    fn number(&mut self, name: &str) -> u32 {
        let known = self.names.iter().position(|known| known == name);
        let number = known.unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        });
        number as u32
    }

    fn get(&self, number: u32) -> String {
        self.names.get(number as usize).cloned().unwrap_or_default()
    }
}

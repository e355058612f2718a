//! A trace as Jaeger's API tells it.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub(super) struct Answer {
    pub(super) data: Vec<Trace>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Trace {
    #[serde(rename = "traceID")]
    pub(super) id: String,
    pub(super) spans: Vec<Span>,
    pub(super) processes: HashMap<String, Process>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Process {
    pub(super) service_name: String,
    tags: Vec<Tag>,
}

/// A span as Jaeger's API has it; times in microseconds.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Span {
    #[serde(rename = "spanID")]
    pub(super) id: String,
    pub(super) operation_name: String,
    references: Vec<Reference>,
    pub(super) start_time: i64,
    pub(super) duration: i64,
    pub(super) tags: Vec<Tag>,
    #[serde(rename = "processID")]
    pub(super) process: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Reference {
    ref_type: String,
    #[serde(rename = "traceID")]
    pub(super) trace: String,
    #[serde(rename = "spanID")]
    pub(super) span: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Tag {
    pub(super) key: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) value: serde_json::Value,
}

impl Span {
    pub(super) fn parent(&self, trace: &str) -> Option<&str> {
        let above = self.references.iter().find(|r| r.ref_type == "CHILD_OF" && r.trace == trace);
        above.map(|reference| reference.span.as_str())
    }

    pub(super) fn tag(&self, key: &str) -> Option<&serde_json::Value> {
        self.tags.iter().find(|tag| tag.key == key).map(|tag| &tag.value)
    }

    /// The text of an attribute.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.tag(key)?.as_str()
    }

    pub(super) fn end(&self) -> i64 {
        self.start_time + self.duration
    }

    /// A wait, in microseconds.
    pub(super) fn wait(&self, key: &str) -> Option<i64> {
        Some((self.tag(key)?.as_f64()? * 1e6).round() as i64)
    }

    pub(super) fn links<'a>(&'a self, trace: &'a str) -> impl Iterator<Item = &'a Reference> {
        self.references.iter().filter(move |reference| reference.trace != trace)
    }
}

impl Trace {
    /// The spans of a service that have this name, by their begin.
    pub(super) fn of(&self, service: &str, name: &str) -> Vec<&Span> {
        let is_of = |span: &&Span| self.processes[&span.process].service_name == service;
        let mut spans: Vec<_> = self.spans.iter().filter(is_of).filter(|span| span.operation_name == name).collect();
        spans.sort_by_key(|span| span.start_time);
        spans
    }

    /// The outcomes of these spans.
    pub(super) fn outcomes(&self, service: &str, name: &str) -> Vec<&str> {
        self.of(service, name).into_iter().filter_map(|span| span.text("plumbline.outcome")).collect()
    }

    /// The id of the process that a span is of.
    pub(super) fn pid(&self, span: &Span) -> Option<u64> {
        self.processes[&span.process].tags.iter().find(|tag| tag.key == "process.pid")?.value.as_u64()
    }

    /// Spans whose parent isn't there.
    pub(super) fn orphans(&self) -> Vec<&Span> {
        let is_there = |id: &str| self.spans.iter().any(|span| span.id == id);
        self.spans.iter().filter(|span| span.parent(&self.id).is_some_and(|parent| !is_there(parent))).collect()
    }

    /// Whether a span is in it, by service and name as [`Trace::shape`] has them.
    pub(super) fn has(&self, what: &str) -> bool {
        let (service, name) = what.split_once(": ").unwrap();
        self.spans
            .iter()
            .any(|span| span.operation_name == name && self.processes[&span.process].service_name == service)
    }

    /// How often each span is in it, by service and name.
    pub(super) fn shape(&self) -> BTreeMap<String, usize> {
        let mut shape = BTreeMap::new();
        for span in &self.spans {
            let service = &self.processes[&span.process].service_name;
            *shape.entry(format!("{service}: {}", span.operation_name)).or_default() += 1;
        }
        shape
    }

    /// One root, every parent there, and no child that begins before its parent.
    pub(super) fn holds_together(&self) {
        assert!(self.orphans().is_empty(), "orphans: {:?} in {:?}", self.orphans(), self.shape());
        let roots: Vec<_> = self.spans.iter().filter(|span| span.parent(&self.id).is_none()).collect();
        assert_eq!(roots.len(), 1, "one root: {roots:?}");
        self.runs_forward();
    }

    /// No span that comes twice, ends before it begins, or begins before the one above it.
    pub(super) fn runs_forward(&self) {
        let by_id: HashMap<&str, &Span> = self.spans.iter().map(|span| (span.id.as_str(), span)).collect();
        assert_eq!(by_id.len(), self.spans.len(), "a span comes twice: {self:?}");
        for span in &self.spans {
            assert!(span.duration >= 0);
            // Parts of a millisecond that the broker's timestamps lack can't matter: all clocks here are one.
            if let Some(above) = span.parent(&self.id).and_then(|parent| by_id.get(parent)) {
                assert!(span.start_time >= above.start_time, "{span:?} begins before {above:?}");
            }
        }
    }
}

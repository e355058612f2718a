//! The JSON, name by name.

use std::{borrow::Cow, collections::BTreeMap};

use serde::Serialize;

use super::error::ApiError;

/// Around every answer.
#[derive(Debug, Serialize)]
pub(super) struct Envelope<T> {
    pub(super) data: Option<T>,
    pub(super) total: usize,
    limit: usize,
    offset: usize,
    errors: Option<Vec<Failure>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u16>,
    msg: String,
    #[serde(rename = "traceID", skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
}

impl<T> Envelope<T> {
    pub(super) fn of(data: T) -> Self {
        Self { data: Some(data), total: 0, limit: 0, offset: 0, errors: None }
    }

    /// Says that these traces weren't found.
    pub(super) fn without(mut self, missing: Vec<String>) -> Self {
        let failure = |id| Failure { code: None, msg: ApiError::NoTrace.to_string(), trace_id: Some(id) };
        self.errors = Some(missing.into_iter().map(failure).collect()).filter(|errors: &Vec<_>| !errors.is_empty());
        self
    }
}

impl Envelope<Vec<String>> {
    /// Names, with their number. No names are `null`.
    pub(super) fn listed(names: Vec<String>) -> Self {
        let total = names.len();
        Self { data: Some(names).filter(|names| !names.is_empty()), total, limit: 0, offset: 0, errors: None }
    }
}

impl Envelope<()> {
    pub(super) fn failed(error: &ApiError) -> Self {
        let failure = Failure { code: Some(error.status().as_u16()), msg: error.to_string(), trace_id: None };
        Self { data: None, total: 0, limit: 0, offset: 0, errors: Some(vec![failure]) }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Operation {
    pub(super) name: String,
    pub(super) span_kind: &'static str,
}

#[derive(Debug, Serialize)]
pub(super) struct Trace<'s> {
    #[serde(rename = "traceID")]
    pub(super) trace_id: String,
    pub(super) spans: Vec<Span<'s>>,
    pub(super) processes: BTreeMap<String, Process<'s>>,
    pub(super) warnings: (),
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Span<'s> {
    #[serde(rename = "traceID")]
    pub(super) trace_id: String,
    #[serde(rename = "spanID")]
    pub(super) span_id: String,
    pub(super) operation_name: &'s str,
    pub(super) references: Vec<Reference>,
    /// Microseconds since 1970.
    pub(super) start_time: u64,
    /// Microseconds.
    pub(super) duration: u64,
    pub(super) tags: Vec<Tag<'s>>,
    pub(super) logs: Vec<Log<'s>>,
    #[serde(rename = "processID")]
    pub(super) process_id: String,
    pub(super) warnings: (),
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Reference {
    pub(super) ref_type: &'static str,
    #[serde(rename = "traceID")]
    pub(super) trace_id: String,
    #[serde(rename = "spanID")]
    pub(super) span_id: String,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Process<'s> {
    pub(super) service_name: &'s str,
    pub(super) tags: Vec<Tag<'s>>,
}

#[derive(Debug, Serialize)]
pub(super) struct Log<'s> {
    /// Microseconds since 1970.
    pub(super) timestamp: u64,
    pub(super) fields: Vec<Tag<'s>>,
}

#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Tag<'s> {
    pub(super) key: Cow<'s, str>,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) value: TagValue<'s>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub(super) enum TagValue<'s> {
    Text(Cow<'s, str>),
    Bool(bool),
    Int(i64),
    Double(f64),
}

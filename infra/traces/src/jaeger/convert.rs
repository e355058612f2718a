//! From spans to Jaeger's model of them, as its translation of OTLP does it, and what its query service does after.

use std::cmp::Ordering;

use super::{
    ids,
    model::{Log, Process, Reference, Span, Tag, TagValue, Trace},
};
use crate::store::{
    self,
    model::{self, Attributes, STATUS_ERROR, Value, words},
};

/// Scripts know whole numbers up to this one exactly; larger ones are texts.
const EXACT: u64 = (1 << 53) - 1;

/// A trace's spans, of which there is at least one.
pub(super) fn trace(spans: &[model::Span]) -> Trace<'_> {
    let mut processes: Vec<Process<'_>> = Vec::new();
    let converted = spans.iter().map(|span| {
        let process = process(&span.resource);
        let number = processes.iter().position(|known| *known == process).unwrap_or_else(|| {
            processes.push(process);
            processes.len() - 1
        });
        convert(span, format!("p{}", number + 1))
    });
    let converted = converted.collect();
    Trace {
        trace_id: spans.first().map(|span| ids::write(&span.trace_id)).unwrap_or_default(),
        spans: converted,
        processes: (1..).zip(processes).map(|(number, process)| (format!("p{number}"), process)).collect(),
        warnings: (),
    }
}

fn process(resource: &model::Resource) -> Process<'_> {
    let mut tags: Vec<_> = attributes(&resource.attributes).filter(|tag| tag.key != "service.name").collect();
    tags.sort_by(order);
    Process { service_name: &resource.service, tags }
}

fn convert(span: &model::Span, process_id: String) -> Span<'_> {
    Span {
        trace_id: ids::write(&span.trace_id),
        span_id: ids::hexadecimal(&span.span_id),
        operation_name: &span.name,
        references: references(span),
        start_time: span.start / 1_000,
        duration: span.end.saturating_sub(span.start) / 1_000,
        tags: tags(span),
        logs: span.events.iter().map(log).collect(),
        process_id,
        warnings: (),
    }
}

fn tags(span: &model::Span) -> Vec<Tag<'_>> {
    let mut tags: Vec<_> = attributes(&span.attributes).collect();
    let texts = [
        ("otel.scope.name", span.scope.name.as_str()),
        ("otel.scope.version", &span.scope.version),
        ("span.kind", words::kind(span.kind).unwrap_or_default()),
        ("otel.status_code", words::status(span.status).unwrap_or_default()),
        ("otel.status_description", &span.message),
        ("w3c.tracestate", &span.state),
    ];
    tags.extend(texts.into_iter().filter(|(_, text)| !text.is_empty()).map(|(key, value)| text(key, value)));
    if span.status == STATUS_ERROR {
        tags.push(Tag { key: "error".into(), kind: "bool", value: TagValue::Bool(true) });
    }
    tags.sort_by(order);
    tags
}

fn log(event: &model::Event) -> Log<'_> {
    let mut fields: Vec<_> = attributes(&event.attributes).collect();
    fields.sort_by(order);
    match fields.iter().position(|field| field.key == "event") {
        Some(place) if fields[place].kind == "string" => fields[..=place].rotate_right(1),
        Some(_) => {}
        None if event.name.is_empty() => {}
        None => fields.insert(0, text("event", &event.name)),
    }
    Log { timestamp: event.time / 1_000, fields }
}

/// The parent first, then the links. A link to the parent says what kind of reference that one is.
fn references(span: &model::Span) -> Vec<Reference> {
    let mut kind = "CHILD_OF";
    let mut others = Vec::new();
    for link in span.links.iter().filter(|link| link.trace_id != [0; 16]) {
        let named = link.attributes.iter().find(|(key, _)| key == "opentracing.ref_type");
        let is_child = named.is_some_and(|(_, value)| *value == Value::Text("child_of".to_owned()));
        let of_link = if is_child { "CHILD_OF" } else { "FOLLOWS_FROM" };
        if link.trace_id == span.trace_id && Some(link.span_id) == span.parent {
            kind = of_link;
        } else {
            others.push(reference(of_link, &link.trace_id, &link.span_id));
        }
    }
    let parent = span.parent.map(|parent| reference(kind, &span.trace_id, &parent));
    let mut references: Vec<_> = parent.into_iter().chain(others).collect();
    // Who looks for the parent looks at the first: one of the same trace, a child's rather than a follower's.
    let own = ids::write(&span.trace_id);
    let is_own = |reference: &&Reference| reference.trace_id == own;
    let child = references.iter().position(|reference| is_own(&reference) && reference.ref_type == "CHILD_OF");
    let first = child.or_else(|| references.iter().position(|reference| is_own(&reference)));
    if let Some(first) = first {
        references.swap(0, first);
    }
    references
}

fn reference(ref_type: &'static str, trace_id: &model::TraceId, span_id: &model::SpanId) -> Reference {
    Reference { ref_type, trace_id: ids::write(trace_id), span_id: ids::hexadecimal(span_id) }
}

fn attributes(attributes: &Attributes) -> impl Iterator<Item = Tag<'_>> {
    attributes.iter().map(|(key, value)| {
        let (kind, value) = match value {
            Value::Text(text) => ("string", TagValue::Text(text.into())),
            Value::Bool(value) => ("bool", TagValue::Bool(*value)),
            Value::Int(value) if value.unsigned_abs() > EXACT => ("int64", TagValue::Text(value.to_string().into())),
            Value::Int(value) => ("int64", TagValue::Int(*value)),
            // JSON has no word for these.
            Value::Double(value) if !value.is_finite() => ("float64", TagValue::Text(store::double(*value).into())),
            Value::Double(value) => ("float64", TagValue::Double(*value)),
            Value::Bytes(_) => ("binary", TagValue::Text(store::text_of(value).into())),
            Value::Empty | Value::Array(_) | Value::Map(_) => ("string", TagValue::Text(store::text_of(value).into())),
        };
        Tag { key: key.into(), kind, value }
    })
}

fn text<'s>(key: &'static str, text: &'s str) -> Tag<'s> {
    Tag { key: key.into(), kind: "string", value: TagValue::Text(text.into()) }
}

/// By key, then type, then value.
fn order(one: &Tag<'_>, other: &Tag<'_>) -> Ordering {
    let rank = |tag: &Tag<'_>| match tag.kind {
        "string" => 0,
        "bool" => 1,
        "int64" => 2,
        "float64" => 3,
        _ => 4,
    };
    let values = || match (&one.value, &other.value) {
        (TagValue::Text(one), TagValue::Text(other)) => one.cmp(other),
        (TagValue::Bool(one), TagValue::Bool(other)) => one.cmp(other),
        (TagValue::Int(one), TagValue::Int(other)) => one.cmp(other),
        (TagValue::Double(one), TagValue::Double(other)) => one.total_cmp(other),
        _ => Ordering::Equal,
    };
    one.key.cmp(&other.key).then(rank(one).cmp(&rank(other))).then_with(values)
}

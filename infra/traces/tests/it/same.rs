//! What goes in by the protocol's own types comes out equal; and what they can't read isn't taken.

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList, any_value::Value as Any},
    resource::v1::Resource,
    trace::v1::{
        ResourceSpans, ScopeSpans, Span, Status,
        span::{Event, Link},
    },
};
use proptest::{collection::vec, option, prelude::*};
use prost::Message as _;
use traces::{
    store::{Store, model},
    wire::{Batch, Limits},
};

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[a-c]{0,3}", 2 => "\\PC{0,12}", 1 => "[xyz]{127,130}"]
}

fn any_value() -> impl Strategy<Value = Option<Any>> {
    let simple = prop_oneof![
        Just(None),
        any_text().prop_map(|text| Some(Any::StringValue(text))),
        any::<bool>().prop_map(|value| Some(Any::BoolValue(value))),
        any::<i64>().prop_map(|value| Some(Any::IntValue(value))),
        any::<f64>()
            .prop_filter("NaN equals nothing", |value| !value.is_nan())
            .prop_map(|value| Some(Any::DoubleValue(value))),
        vec(any::<u8>(), 0..5).prop_map(|bytes| Some(Any::BytesValue(bytes))),
    ];
    simple.prop_recursive(3, 12, 4, |inner| {
        let inner = inner.prop_map(|value| AnyValue { value });
        let pair = (any_text(), inner.clone());
        let pair = pair.prop_map(|(key, value)| KeyValue { key, value: Some(value), ..KeyValue::default() });
        prop_oneof![
            vec(inner, 0..4).prop_map(|values| Some(Any::ArrayValue(ArrayValue { values }))),
            vec(pair, 0..4).prop_map(|values| Some(Any::KvlistValue(KeyValueList { values }))),
        ]
    })
}

fn any_pairs() -> impl Strategy<Value = Vec<KeyValue>> {
    let pair = (any_text(), option::of(any_value().prop_map(|value| AnyValue { value })));
    vec(pair.prop_map(|(key, value)| KeyValue { key, value, ..KeyValue::default() }), 0..5)
}

fn any_event() -> impl Strategy<Value = Event> {
    (any::<u64>(), any_text(), any_pairs(), any::<u32>()).prop_map(|(time_unix_nano, name, attributes, dropped)| {
        Event { time_unix_nano, name, attributes, dropped_attributes_count: dropped }
    })
}

fn any_link() -> impl Strategy<Value = Link> {
    let ids = (any::<[u8; 16]>(), any::<[u8; 8]>());
    (ids, any_text(), any_pairs(), any::<u32>(), any::<u32>()).prop_map(
        |(ids, trace_state, attributes, dropped, flags)| Link {
            trace_id: ids.0.to_vec(),
            span_id: ids.1.to_vec(),
            trace_state,
            attributes,
            dropped_attributes_count: dropped,
            flags,
        },
    )
}

/// Of one of three traces; its id is given where it stands.
fn any_span() -> impl Strategy<Value = Span> {
    let status = option::of((any_text(), 0..5_i32).prop_map(|(message, code)| Status { message, code }));
    let lists = (any_pairs(), vec(any_event(), 0..3), vec(any_link(), 0..3));
    let numbers = (any::<u64>(), any::<u64>(), 0..7_i32, option::of(any::<u32>()), option::of(any::<[u32; 3]>()));
    let parent = prop_oneof![Just(Vec::new()), Just(vec![0; 8]), any::<[u8; 8]>().prop_map(Vec::from)];
    (1..=3_u8, parent, any_text(), any_text(), numbers, lists, status).prop_map(
        |(
            trace,
            parent_span_id,
            name,
            trace_state,
            (start, end, kind, flags, dropped),
            (attributes, events, links),
            status,
        )| {
            let dropped = dropped.unwrap_or_default();
            Span {
                trace_id: vec![trace; 16],
                parent_span_id,
                trace_state,
                name,
                kind,
                start_time_unix_nano: start,
                end_time_unix_nano: end,
                flags: flags.unwrap_or_default(),
                attributes,
                events,
                links,
                dropped_attributes_count: dropped[0],
                dropped_events_count: dropped[1],
                dropped_links_count: dropped[2],
                status,
                ..Span::default()
            }
        },
    )
}

fn any_request() -> impl Strategy<Value = ExportTraceServiceRequest> {
    let scope = (any_text(), any_text(), any_pairs(), any::<u32>()).prop_map(|(name, version, attributes, dropped)| {
        InstrumentationScope { name, version, attributes, dropped_attributes_count: dropped }
    });
    let scopes = (option::of(scope), vec(any_span(), 0..4)).prop_map(|(scope, spans)| ScopeSpans {
        scope,
        spans,
        ..ScopeSpans::default()
    });
    let service = option::of("[a-c]{0,2}");
    let resource = (service, any_pairs(), any::<u32>()).prop_map(|(service, mut attributes, dropped)| {
        attributes.extend(service.map(|name| crate::spans::text("service.name", &name)));
        Resource { attributes, dropped_attributes_count: dropped, ..Resource::default() }
    });
    let groups = (option::of(resource), vec(scopes, 0..3)).prop_map(|(resource, scope_spans)| ResourceSpans {
        resource,
        scope_spans,
        ..ResourceSpans::default()
    });
    vec(groups, 0..3).prop_map(|resource_spans| {
        let mut request = ExportTraceServiceRequest { resource_spans };
        let groups = request.resource_spans.iter_mut().flat_map(|group| &mut group.scope_spans);
        for (number, span) in (1_u64..).zip(groups.flat_map(|group| &mut group.spans)) {
            span.span_id = number.to_be_bytes().to_vec();
        }
        request
    })
}

fn value(value: Option<&AnyValue>) -> model::Value {
    match value.and_then(|value| value.value.as_ref()) {
        None => model::Value::Empty,
        Some(Any::StringValue(text)) => model::Value::Text(text.clone()),
        Some(Any::BoolValue(value)) => model::Value::Bool(*value),
        Some(Any::IntValue(value)) => model::Value::Int(*value),
        Some(Any::DoubleValue(value)) => model::Value::Double(*value),
        Some(Any::BytesValue(bytes)) => model::Value::Bytes(bytes.clone()),
        Some(Any::ArrayValue(list)) => {
            model::Value::Array(list.values.iter().map(|item| self::value(Some(item))).collect())
        }
        Some(Any::KvlistValue(list)) => model::Value::Map(pairs(&list.values)),
        Some(other) => panic!("{other:?} isn't generated"),
    }
}

fn pairs(pairs: &[KeyValue]) -> model::Attributes {
    pairs.iter().map(|pair| (pair.key.clone(), value(pair.value.as_ref()))).collect()
}

fn service(resource: &Resource) -> String {
    let named = resource.attributes.iter().find(|pair| pair.key == "service.name");
    match named.map(|pair| value(pair.value.as_ref())) {
        None => "missing-service-name".to_owned(),
        Some(model::Value::Text(name)) if name.is_empty() => "empty-service-name".to_owned(),
        Some(model::Value::Text(name)) => name,
        Some(_) => "service-name-wrong-type".to_owned(),
    }
}

fn expected(resource: &Resource, scope: &InstrumentationScope, span: &Span) -> model::Span {
    let status = span.status.clone().unwrap_or_default();
    let parent = <[u8; 8]>::try_from(&span.parent_span_id[..]).ok().filter(|id| *id != [0; 8]);
    let event = |event: &Event| model::Event {
        time: event.time_unix_nano,
        name: event.name.clone(),
        attributes: pairs(&event.attributes),
        dropped: event.dropped_attributes_count,
    };
    let link = |link: &Link| model::Link {
        trace_id: link.trace_id[..].try_into().unwrap(),
        span_id: link.span_id[..].try_into().unwrap(),
        state: link.trace_state.clone(),
        flags: link.flags,
        attributes: pairs(&link.attributes),
        dropped: link.dropped_attributes_count,
    };
    model::Span {
        trace_id: span.trace_id[..].try_into().unwrap(),
        span_id: span.span_id[..].try_into().unwrap(),
        parent,
        name: span.name.clone(),
        kind: span.kind,
        start: span.start_time_unix_nano,
        end: span.end_time_unix_nano,
        status: status.code,
        message: status.message,
        state: span.trace_state.clone(),
        flags: span.flags,
        dropped: [span.dropped_attributes_count, span.dropped_events_count, span.dropped_links_count],
        attributes: pairs(&span.attributes),
        events: span.events.iter().map(event).collect(),
        links: span.links.iter().map(link).collect(),
        resource: model::Resource {
            service: service(resource),
            attributes: pairs(&resource.attributes),
            dropped: resource.dropped_attributes_count,
        }
        .into(),
        scope: model::Scope {
            name: scope.name.clone(),
            version: scope.version.clone(),
            attributes: pairs(&scope.attributes),
            dropped: scope.dropped_attributes_count,
        }
        .into(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn spans_come_out_as_they_went_in(requests in vec(any_request(), 1..4)) {
        let store = Store::new(64 << 20, 1);
        let mut all: Vec<model::Span> = Vec::new();
        for (round, mut request) in (0_u8..).zip(requests) {
            for group in &mut request.resource_spans {
                let resource = group.resource.clone().unwrap_or_default();
                for inner in &mut group.scope_spans {
                    let scope = inner.scope.clone().unwrap_or_default();
                    for span in &mut inner.spans {
                        span.span_id[0] = round;
                        all.push(expected(&resource, &scope, span));
                    }
                }
            }
            let encoded = request.encode_to_vec();
            let batch = Batch::read(&encoded, &Limits::default()).unwrap();
            prop_assert_eq!(batch.rejected, 0);
            store.add(&batch);
        }
        for trace in 1..=3 {
            let id = [trace; 16];
            let sent: Vec<_> = all.iter().filter(|span| span.trace_id == id).cloned().collect();
            prop_assert_eq!(store.trace(&id), sent);
        }
        prop_assert_eq!(store.state().spans, all.len() as u64);
    }

    #[test]
    fn damaged_requests_are_judged_as_the_protocols_types_judge_them(
        request in any_request(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = request.encode_to_vec();
        prop_assume!(!bytes.is_empty());
        for (place, byte) in damage {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let theirs = ExportTraceServiceRequest::decode(&bytes[..]);
        match Batch::read(&bytes, &Limits::default()) {
            Ok(batch) => {
                // Of a span that is refused the rest isn't read.
                prop_assert!(theirs.is_ok() || batch.rejected > 0, "{theirs:?}");
                Store::new(1 << 20, 1).add(&batch);
            }
            // Groups are no part of the protocol; only prost skips them.
            Err(fault) => prop_assert!(theirs.is_err() || fault.to_string().contains("wire type"), "{fault}"),
        }
    }

    #[test]
    fn anything_may_come(bytes in vec(any::<u8>(), 0..200)) {
        if let Ok(batch) = Batch::read(&bytes, &Limits::default()) {
            Store::new(1 << 20, 1).add(&batch);
        }
    }
}

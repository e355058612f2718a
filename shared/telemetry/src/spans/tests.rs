use opentelemetry_proto::tonic::{
    common::v1::any_value::Value,
    trace::v1::{ScopeSpans, Span as Sent, span::SpanKind as SentKind},
};
use proptest::prelude::*;
use prost::Message as _;
use std::time::Duration;

use super::*;

fn recorder(sampler: Sampler) -> Recorder {
    Recorder { queue: Arc::new(Queue::new(1_000)), sampler }
}

/// What has ended, as whoever it is sent to reads it.
fn sent(recorder: &Recorder) -> Vec<Sent> {
    let octets = recorder.queue.drain();
    ScopeSpans::decode(octets.as_slice()).unwrap().spans
}

fn parent(flags: &str) -> TraceContext {
    format!("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-{flags}").parse().unwrap()
}

#[test]
fn without_an_exporter_nothing_is_recorded_and_the_trace_is_carried_on() {
    let mut span = server("POST /orders").parent(parent("01")).start();
    span.set(names::http::ROUTE, "/orders");
    assert!(!span.is_recording());
    assert_eq!(span.context(), Some(parent("01")));
    assert_eq!(internal("decide").start().context(), None);
}

#[test]
fn a_span_hangs_below_its_parent_and_hands_on_its_own_context() {
    let recorder = recorder(Sampler::FollowsParent);
    let span = server("POST /orders").parent(parent("01")).start_with(&recorder);
    let below = span.context().unwrap();
    assert_eq!(below.trace_id(), parent("01").trace_id());
    assert!(below.is_sampled());
    span.end();
    let [sent] = &sent(&recorder)[..] else { panic!("one span") };
    assert_eq!(sent.trace_id, below.trace_id().to_bytes());
    assert_eq!(sent.span_id, below.span_id().to_bytes());
    assert_eq!(sent.parent_span_id, parent("01").span_id().to_bytes());
    assert_eq!((sent.kind(), &*sent.name, sent.flags & 1), (SentKind::Server, "POST /orders", 1));
}

#[test]
fn what_is_quiet_is_recorded_where_it_fails_and_what_it_calls_is_not() {
    let recorder = recorder(Sampler::FollowsParent);
    let quiet = || client("GET").quiet(true).start_with(&recorder);
    assert!(!quiet().context().unwrap().is_sampled(), "who is called need not record it");
    let mut failed = quiet();
    failed.fail("timeout", &"no answer");
    failed.end();
    let [sent] = &sent(&recorder)[..] else { panic!("the one that failed") };
    assert!(sent.attributes.iter().any(|attribute| attribute.key == names::shop::KEPT.name()));
}

#[test]
fn of_baggage_what_is_to_be_told_is_told() {
    let recorder = recorder(Sampler::FollowsParent);
    let mut span = server("POST /orders").start_with(&recorder);
    span.tell(Baggage::read([&b"plumbline.scenario=a%20b,secret=1"[..]]).as_ref());
    span.tell(None);
    span.end();
    let [sent] = &sent(&recorder)[..] else { panic!("one span") };
    let told: Vec<_> = sent.attributes.iter().map(|attribute| attribute.key.as_str()).collect();
    assert_eq!(told, [crate::baggage::SCENARIO]);
}

#[test]
fn what_is_set_is_sent() {
    let recorder = recorder(Sampler::FollowsParent);
    let began = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
    let mut span = consumer("process").parent(parent("01")).since(began).start_with(&recorder);
    span.rename("process orders.v1");
    span.set(names::messaging::BATCH_MESSAGE_COUNT, 7);
    span.set(names::wait::BROKER, Duration::from_millis(1_500));
    span.link(parent("01"));
    span.link(None);
    span.event("retried", |event| event.set(names::shop::RETRIES, 2));
    span.fail("Superseded", &"another consumer took it");
    span.fail("Later", &"the first fault stays");
    span.end_at(began + Duration::from_secs(2));
    let [sent] = &sent(&recorder)[..] else { panic!("one span") };
    assert_eq!(sent.name, "process orders.v1");
    assert_eq!(sent.end_time_unix_nano - sent.start_time_unix_nano, 2_000_000_000);
    assert_eq!(sent.links.len(), 1);
    assert_eq!(sent.links[0].span_id, parent("01").span_id().to_bytes());
    assert_eq!((&*sent.events[0].name, sent.events[0].attributes.len()), ("retried", 1));
    let status = sent.status.as_ref().unwrap();
    assert_eq!((status.code, &*status.message), (2, "another consumer took it"));
    let value = |key: &str| {
        let mut values = sent.attributes.iter().filter(|attribute| attribute.key == key);
        let value = values.next().unwrap().value.clone().unwrap().value.unwrap();
        assert!(values.next().is_none(), "{key} is set twice");
        value
    };
    assert_eq!(value(names::messaging::BATCH_MESSAGE_COUNT.name()), Value::IntValue(7));
    assert_eq!(value(names::wait::BROKER.name()), Value::DoubleValue(1.5));
    assert_eq!(value(names::ERROR_TYPE.name()), Value::StringValue("Superseded".to_owned()));
}

#[test]
fn a_parent_that_is_not_sampled_is_handed_on_as_it_is() {
    let recorder = recorder(Sampler::FollowsParent);
    let span = client("INSERT orders").parent(parent("00")).start_with(&recorder);
    assert!(!span.is_recording());
    assert_eq!(span.context(), Some(parent("00")));
    span.end();
    assert!(sent(&recorder).is_empty());
}

#[test]
fn a_sampler_of_its_own_records_what_others_do_not() {
    let recorder = recorder(Sampler::Independent);
    let span = client("INSERT orders").parent(parent("00")).start_with(&recorder);
    assert!(span.context().unwrap().is_sampled());
    span.end();
    assert_eq!(sent(&recorder).len(), 1);
}

#[test]
fn of_what_is_not_sampled_a_request_is_kept_that_failed_or_was_slow() {
    let recorder = recorder(Sampler::FollowsParent);
    let began = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
    let begin = || server("GET /stock").parent(parent("00")).since(began).start_with(&recorder);
    let quick = begin();
    assert!(!quick.context().unwrap().is_sampled(), "what it calls is not to be recorded");
    quick.end_at(began + Duration::from_millis(10));
    assert!(sent(&recorder).is_empty());

    begin().end_at(began + sampling::slow());
    let mut failed = begin();
    failed.fail("server_error", &"503");
    failed.end_at(began);
    let why: Vec<_> = sent(&recorder)
        .iter()
        .flat_map(|span| span.attributes.iter().filter(|attribute| attribute.key == names::shop::KEPT.name()))
        .map(|attribute| attribute.value.clone().unwrap().value.unwrap())
        .collect();
    assert_eq!(why, ["slow", "error"].map(|text| Value::StringValue(text.to_owned())));
}

#[test]
fn a_span_without_a_parent_begins_a_trace() {
    let recorder = recorder(Sampler::FollowsParent);
    let span = client("SELECT stock").start_with(&recorder);
    assert!(span.context().unwrap().is_sampled());
    span.end();
    assert!(sent(&recorder)[0].parent_span_id.is_empty());
}

#[test]
fn a_clock_set_back_makes_no_span_that_ends_before_it_begins() {
    let recorder = recorder(Sampler::FollowsParent);
    let began = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
    internal("decide").since(began).start_with(&recorder).end_at(began - Duration::from_secs(5));
    let [sent] = &sent(&recorder)[..] else { panic!("one span") };
    assert_eq!(sent.start_time_unix_nano, sent.end_time_unix_nano);
}

#[test]
fn what_finds_no_room_is_counted() {
    let recorder = Recorder { queue: Arc::new(Queue::new(3)), sampler: Sampler::FollowsParent };
    (0..5).for_each(|_| internal("work").start_with(&recorder).end());
    assert_eq!(recorder.queue.len(), 3);
    let mut long = internal("work").start_with(&recorder);
    long.set(names::http::URL_PATH, &"x".repeat(100_000));
    long.end();
    assert_eq!(recorder.queue.lost(), 3);
    assert_eq!(sent(&recorder).len(), 3);
}

proptest! {
    /// Whatever it holds, a span is read as it was written.
    #[test]
    fn every_span_is_read_as_it_was_written(
        name in ".{0,200}",
        texts in proptest::collection::vec(".{0,300}", 0..6),
        numbers in proptest::collection::vec(any::<i64>(), 0..6),
        events in 0usize..3,
        fault in proptest::option::of(".{0,200}"),
        nanos in 0u64..1 << 62,
    ) {
        let recorder = recorder(Sampler::FollowsParent);
        let began = SystemTime::UNIX_EPOCH + Duration::from_nanos(nanos);
        let mut span = producer(name.clone()).since(began).start_with(&recorder);
        texts.iter().for_each(|text| span.set(names::http::URL_PATH, text));
        numbers.iter().for_each(|number| span.set(names::messaging::KAFKA_OFFSET, *number));
        (0..events).for_each(|_| span.event("it happened", |event| event.set(names::shop::OUTCOME, &name)));
        if let Some(fault) = &fault {
            span.fail("fault", fault);
        }
        span.end_at(began);
        let [sent] = &sent(&recorder)[..] else { panic!("one span") };
        prop_assert_eq!(&sent.name, &name);
        prop_assert_eq!(sent.start_time_unix_nano, nanos);
        prop_assert_eq!(sent.events.len(), events);
        let expected = texts.iter().map(|text| Value::StringValue(text.clone()))
            .chain(numbers.iter().map(|number| Value::IntValue(*number)))
            .chain(fault.iter().map(|_| Value::StringValue("fault".to_owned())));
        let values = sent.attributes.iter().map(|attribute| attribute.value.clone().unwrap().value.unwrap());
        prop_assert!(expected.eq(values));
        prop_assert_eq!(sent.status.as_ref().map(|status| &status.message), fault.as_ref());
    }
}

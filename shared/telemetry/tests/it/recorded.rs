//! Spans where an exporter is installed.

use std::{
    sync::LazyLock,
    time::{Duration, SystemTime},
};

use opentelemetry::trace::{SpanKind, Status};
use opentelemetry_sdk::trace::SdkTracerProvider;
use telemetry::{
    context::TraceContext,
    names,
    spans::{self, Sampler},
};

use crate::kept::Kept;

/// All tests of this process share what is installed, and tell their spans apart by the trace.
static KEPT: LazyLock<Kept> = LazyLock::new(|| {
    let kept = Kept::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(kept.clone()).build();
    assert!(spans::install(&provider, Sampler::FollowsParent));
    kept
});

fn parent(trace: u8, flags: &str) -> TraceContext {
    format!("00-{trace:032x}-00f067aa0ba902b7-{flags}").parse().unwrap()
}

#[test]
fn a_span_hangs_below_its_parent_and_hands_on_its_own_context() {
    let kept = &*KEPT;
    let above = parent(1, "01");
    let span = spans::server("POST /orders").parent(above).start();
    let below = span.context().unwrap();
    assert_eq!(below.trace_id(), above.trace_id());
    assert_ne!(below.span_id(), above.span_id());
    assert!(below.is_sampled());
    span.end();
    let [span] = &kept.of(above.trace_id())[..] else { panic!("one span") };
    assert_eq!(span.parent_span_id, above.span_id());
    assert!(span.parent_span_is_remote);
    assert_eq!((span.span_kind.clone(), &*span.name), (SpanKind::Server, "POST /orders"));
    assert_eq!(span.span_context.span_id(), below.span_id());
}

#[test]
fn what_is_set_is_kept() {
    let kept = &*KEPT;
    let (above, other) = (parent(2, "01"), parent(3, "01"));
    let began = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
    let mut span = spans::consumer("process").parent(above).since(began).start();
    span.rename("process orders.v1");
    span.set(names::messaging::BATCH_MESSAGE_COUNT, 7);
    span.link(other);
    span.link(None);
    span.event("retried", []);
    span.fail("Superseded", &"another consumer took it");
    span.end_at(began + Duration::from_secs(2));
    let [span] = &kept.of(above.trace_id())[..] else { panic!("one span") };
    assert_eq!(span.name, "process orders.v1");
    assert_eq!(span.end_time.duration_since(span.start_time).unwrap(), Duration::from_secs(2));
    assert_eq!(span.links.links.len(), 1);
    assert_eq!(span.links.links[0].span_context, other.to_remote());
    assert_eq!(span.events.events[0].name, "retried");
    assert_eq!(span.status, Status::error("another consumer took it"));
    let attribute = |key: &str| span.attributes.iter().find(|a| a.key.as_str() == key).unwrap().value.to_string();
    assert_eq!(attribute(names::messaging::BATCH_MESSAGE_COUNT), "7");
    assert_eq!(attribute(names::ERROR_TYPE), "Superseded");
}

#[test]
fn a_parent_that_is_not_sampled_is_handed_on_as_it_is() {
    let kept = &*KEPT;
    let above = parent(4, "00");
    let mut span = spans::database("INSERT orders").parent(above).start();
    span.set(names::db::NAMESPACE, "plumbline_order");
    assert!(!span.is_recording());
    assert_eq!(span.context(), Some(above));
    span.end();
    assert!(kept.of(above.trace_id()).is_empty());
}

#[test]
fn a_span_without_a_parent_begins_a_trace() {
    let kept = &*KEPT;
    let mut span = spans::database("SELECT stock").start();
    let context = span.context().unwrap();
    assert!(context.is_sampled() && span.is_recording());
    span.set(names::db::COLLECTION_NAME, "stock");
    span.end();
    let [span] = &kept.of(context.trace_id())[..] else { panic!("one span") };
    assert_eq!(span.span_kind, SpanKind::Client);
    assert!(span.attributes.iter().any(|a| a.key.as_str() == names::db::SYSTEM_NAME));
}

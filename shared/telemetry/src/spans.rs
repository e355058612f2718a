//! Spans straight through the OpenTelemetry API: a third of what they cost through `tracing`, and nothing while no
//! exporter is set.

use std::{
    borrow::Cow,
    sync::{
        LazyLock,
        atomic::{AtomicBool, Ordering},
    },
    time::SystemTime,
};

use opentelemetry::{
    Context, KeyValue, Value,
    global::{self, BoxedSpan, BoxedTracer},
    trace::{Link, Span as _, Status, TraceContextExt as _, Tracer as _},
};

pub use opentelemetry::trace::SpanKind;

use crate::context::TraceContext;

static ENABLED: AtomicBool = AtomicBool::new(false);
static TRACER: LazyLock<BoxedTracer> = LazyLock::new(|| global::tracer("plumbline"));

pub(crate) fn enable(enabled: bool) {
    ENABLED.store(enabled, Ordering::Relaxed);
}

/// Whether spans go anywhere. Work that only serves a span is best left out when not.
pub fn enabled() -> bool {
    ENABLED.load(Ordering::Relaxed)
}

/// A span that ends when it is dropped; nothing at all while spans are disabled.
#[derive(Debug)]
pub struct Span {
    recording: Option<BoxedSpan>,
    context: Option<TraceContext>,
}

/// What a span is started with.
#[derive(Debug, Default)]
pub struct Start {
    /// Spans of other traces, or of batches, that this one has to do with.
    pub links: Vec<TraceContext>,
    /// When it began, where that is not now.
    pub at: Option<SystemTime>,
    /// What is known at its start; samplers see it.
    pub attributes: Vec<KeyValue>,
}

/// Starts a span. `with` is asked for the rest only while spans are enabled.
pub fn start(
    name: impl Into<Cow<'static, str>>,
    kind: SpanKind,
    parent: Option<TraceContext>,
    with: impl FnOnce() -> Start,
) -> Span {
    if !enabled() {
        return Span { recording: None, context: parent };
    }
    let Start { links, at, attributes } = with();
    let mut builder = TRACER.span_builder(name).with_kind(kind).with_attributes(attributes);
    if let Some(at) = at {
        builder = builder.with_start_time(at);
    }
    if !links.is_empty() {
        builder = builder.with_links(links.into_iter().map(|link| Link::with_context(link.to_remote())).collect());
    }
    let around = parent.map_or_else(Context::new, |parent| Context::new().with_remote_span_context(parent.to_remote()));
    let span = TRACER.build_with_context(builder, &around);
    Span { context: TraceContext::of(span.span_context()).or(parent), recording: Some(span) }
}

impl Span {
    /// The context that what follows belongs under: the span's own, or its parent's while spans are disabled.
    pub fn context(&self) -> Option<TraceContext> {
        self.context
    }

    /// Whether it is recorded: attributes set on a span that isn't cost and give nothing.
    pub fn is_recording(&self) -> bool {
        self.recording.as_ref().is_some_and(BoxedSpan::is_recording)
    }

    /// Sets an attribute.
    pub fn set(&mut self, name: &'static str, value: impl Into<Value>) {
        if let Some(span) = &mut self.recording {
            span.set_attribute(KeyValue::new(name, value));
        }
    }

    /// Marks it as failed.
    pub fn fail(&mut self, reason: impl Into<Cow<'static, str>>) {
        if let Some(span) = &mut self.recording {
            span.set_status(Status::error(reason));
        }
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        if let Some(span) = &mut self.recording {
            span.end();
        }
    }
}

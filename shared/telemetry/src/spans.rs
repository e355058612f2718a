//! Spans, started through OpenTelemetry's API without the detour over `tracing`, and with the parent given, not looked
//! up: work here goes from tasks to transactions to brokers, and the only parent that is right is the one carried along.
//!
//! Where no exporter is configured, or the parent is not sampled, a span costs a few nanoseconds: nothing is allocated
//! and no attribute kept.

use std::{borrow::Cow, fmt::Display, sync::OnceLock, time::SystemTime};

use opentelemetry::{
    Context, KeyValue, Value,
    trace::{Span as _, SpanBuilder, SpanKind, Status, TraceContextExt, Tracer as _, TracerProvider as _},
};
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};

use crate::{context::TraceContext, names};

static RECORDER: OnceLock<Recorder> = OnceLock::new();

struct Recorder {
    tracer: SdkTracer,
    sampler: Sampler,
}

/// What a sampler says of a trace that another process has decided not to record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sampler {
    /// It follows: `parentbased_…`, the default.
    FollowsParent,
    /// It decides for itself: `always_on`, `traceidratio`.
    Independent,
}

/// Makes every span of this process go to `provider`. The first call counts; [`crate::init`] makes it where an exporter
/// is configured. Returns whether this was the first.
pub fn install(provider: &SdkTracerProvider, sampler: Sampler) -> bool {
    RECORDER.set(Recorder { tracer: provider.tracer("plumbline"), sampler }).is_ok()
}

/// A request that this process answers.
pub fn server(name: impl Into<Cow<'static, str>>) -> Builder {
    Builder::new(SpanKind::Server, name)
}

/// A request that this process makes and waits for.
pub fn client(name: impl Into<Cow<'static, str>>) -> Builder {
    Builder::new(SpanKind::Client, name)
}

/// A message, or a batch, that this process sends.
pub fn producer(name: impl Into<Cow<'static, str>>) -> Builder {
    Builder::new(SpanKind::Producer, name)
}

/// A message, or a batch, that this process works through.
pub fn consumer(name: impl Into<Cow<'static, str>>) -> Builder {
    Builder::new(SpanKind::Consumer, name)
}

/// Work inside this process.
pub fn internal(name: impl Into<Cow<'static, str>>) -> Builder {
    Builder::new(SpanKind::Internal, name)
}

/// A statement or transaction in PostgreSQL, named by its summary: `INSERT orders`.
pub fn database(summary: &'static str) -> Builder {
    Builder { database: true, ..Builder::new(SpanKind::Client, summary) }
}

/// A span that is about to start.
#[derive(Debug)]
#[must_use = "a span starts with start()"]
pub struct Builder {
    kind: SpanKind,
    name: Cow<'static, str>,
    parent: Option<TraceContext>,
    since: Option<SystemTime>,
    database: bool,
}

impl Builder {
    fn new(kind: SpanKind, name: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, name: name.into(), parent: None, since: None, database: false }
    }

    /// The span above it; without one it starts a trace.
    pub fn parent(mut self, parent: impl Into<Option<TraceContext>>) -> Self {
        self.parent = parent.into();
        self
    }

    /// When it began, if that is past.
    pub fn since(mut self, time: SystemTime) -> Self {
        self.since = Some(time);
        self
    }

    /// Starts it.
    pub fn start(self) -> Span {
        let parent = self.parent;
        let Some(recorder) = RECORDER.get() else { return Span::unrecorded(parent) };
        if recorder.sampler == Sampler::FollowsParent && parent.is_some_and(|parent| !parent.is_sampled()) {
            return Span::unrecorded(parent);
        }
        let above = match parent {
            Some(parent) => Context::new().with_remote_span_context(parent.to_remote()),
            None => Context::new(),
        };
        let mut builder = SpanBuilder::from_name(self.name).with_kind(self.kind);
        builder.start_time = self.since;
        let recorded = recorder.tracer.build_with_context(builder, &above);
        let context = TraceContext::of(recorded.span_context());
        let mut span = Span { recorded: recorded.is_recording().then_some(recorded), context };
        if self.database
            && let Some(recorded) = &mut span.recorded
        {
            recorded.set_attribute(KeyValue::new(names::db::SYSTEM_NAME, names::db::POSTGRESQL));
        }
        span
    }
}

/// A span in progress. It ends when it is dropped.
#[derive(Debug)]
#[must_use = "a span ends when it is dropped"]
pub struct Span {
    recorded: Option<opentelemetry_sdk::trace::Span>,
    context: Option<TraceContext>,
}

impl Span {
    fn unrecorded(context: Option<TraceContext>) -> Self {
        Self { recorded: None, context }
    }

    /// What the work below this span, in this process or another, takes as its parent.
    ///
    /// Of a span that isn't recorded it is its parent's, so that a trace is carried on through a process without an
    /// exporter.
    pub fn context(&self) -> Option<TraceContext> {
        self.context
    }

    /// Whether anything set on it is kept; ask before computing an attribute that costs something.
    pub fn is_recording(&self) -> bool {
        self.recorded.is_some()
    }

    /// Sets an attribute; see [`names`].
    pub fn set(&mut self, key: &'static str, value: impl Into<Value>) {
        if let Some(span) = &mut self.recorded {
            span.set_attribute(KeyValue::new(key, value));
        }
    }

    /// Links it to another span, as a batch to those that made its messages.
    pub fn link(&mut self, to: impl Into<Option<TraceContext>>) {
        if let Some(span) = &mut self.recorded
            && let Some(to) = to.into()
        {
            span.add_link(to.to_remote(), Vec::new());
        }
    }

    /// Adds an event that happens now.
    pub fn event(&mut self, name: &'static str, attributes: impl IntoIterator<Item = KeyValue>) {
        if let Some(span) = &mut self.recorded {
            span.add_event(name, attributes.into_iter().collect());
        }
    }

    /// Gives it another name, as when the route is known only later.
    pub fn rename(&mut self, name: impl Into<Cow<'static, str>>) {
        if let Some(span) = &mut self.recorded {
            span.update_name(name);
        }
    }

    /// Marks it as failed: `class` has few values, such as the name of an error's variant; `fault` may have many.
    pub fn fail(&mut self, class: &'static str, fault: &dyn Display) {
        if let Some(span) = &mut self.recorded {
            span.set_attribute(KeyValue::new(names::ERROR_TYPE, class));
            span.set_status(Status::error(fault.to_string()));
        }
    }

    /// Ends it now.
    pub fn end(self) {
        drop(self);
    }

    /// Ends it at a time that is past.
    pub fn end_at(mut self, time: SystemTime) {
        if let Some(span) = &mut self.recorded {
            span.end_with_timestamp(time);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_an_exporter_nothing_is_recorded_and_the_trace_is_carried_on() {
        let above: TraceContext = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse().unwrap();
        let mut span = server("POST /orders").parent(above).start();
        span.set(names::http::ROUTE, "/orders");
        assert!(!span.is_recording());
        assert_eq!(span.context(), Some(above));
        assert_eq!(internal("decide").start().context(), None);
    }
}

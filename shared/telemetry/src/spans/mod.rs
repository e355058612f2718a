//! Spans, with the parent given and not looked up: work here goes from tasks to transactions to brokers, and the only
//! parent that is right is the one carried along.
//!
//! Where no exporter is configured, or the trace is not sampled, a span costs a few nanoseconds: nothing is allocated
//! and no attribute kept. A span that is recorded writes what is set on it as OTLP has it, at once, so that its end is a
//! copy into the queue of what is to be sent.

mod recording;

use std::{
    borrow::Cow,
    fmt::Display,
    sync::{Arc, OnceLock},
    time::SystemTime,
};

use rand::Rng as _;

pub use self::recording::Attributes;
use self::recording::{Keep, Recording};
use crate::{
    attribute::{Key, Kind},
    baggage::{self, Baggage},
    context::TraceContext,
    export::Queue,
    names, sampling,
};

static RECORDER: OnceLock<Recorder> = OnceLock::new();

/// Records spans into a queue. A process has one, which [`install`] makes that of every span; more are for tests.
#[derive(Debug)]
pub struct Recorder {
    queue: Arc<Queue>,
    sampler: Sampler,
}

impl Recorder {
    /// Records into `queue`.
    pub fn new(queue: Arc<Queue>, sampler: Sampler) -> Self {
        Self { queue, sampler }
    }

    /// Starts a span here.
    pub fn start(&self, span: Builder) -> Span {
        span.start_with(self)
    }
}

/// What a sampler says of a trace that another process has decided not to record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sampler {
    /// It follows: `parentbased_…`, the default.
    FollowsParent,
    /// It decides for itself: `always_on`, `traceidratio`.
    Independent,
}

/// Makes every span of this process go to `queue`. The first call counts; [`crate::init`] makes it where an exporter
/// is configured. Returns whether this was the first.
pub fn install(queue: Arc<Queue>, sampler: Sampler) -> bool {
    RECORDER.set(Recorder::new(queue, sampler)).is_ok()
}

/// A request that this process answers. One that fails or is slow is recorded even where its trace is not sampled, see
/// [`sampling`].
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

/// A statement, or a transaction, in PostgreSQL, named by its summary, such as `INSERT orders`. Below nothing, or below what
/// isn't recorded, it isn't either.
pub fn statement(summary: &'static str, parent: Option<TraceContext>) -> Span {
    if RECORDER.get().is_none() || !parent.is_some_and(TraceContext::is_sampled) {
        return Span::unrecorded(parent);
    }
    let mut span = client(summary).parent(parent).start();
    span.set(names::db::SYSTEM_NAME, names::db::POSTGRESQL);
    span.set(names::db::QUERY_SUMMARY, summary);
    span
}

/// A transaction in PostgreSQL, with its [`statement`]s below it, named by what it is for. Below nothing, or below what isn't
/// recorded, it isn't either.
pub fn transaction(name: &'static str, parent: Option<TraceContext>) -> Span {
    if RECORDER.get().is_none() || !parent.is_some_and(TraceContext::is_sampled) {
        return Span::unrecorded(parent);
    }
    let mut span = client(name).parent(parent).start();
    span.set(names::db::SYSTEM_NAME, names::db::POSTGRESQL);
    span
}

/// A step inside this process, named by what is done. Below nothing, or below what isn't recorded, it isn't either.
pub fn step(name: &'static str, parent: Option<TraceContext>) -> Span {
    if parent.is_some_and(TraceContext::is_sampled) {
        internal(name).parent(parent).start()
    } else {
        Span::unrecorded(parent)
    }
}

/// Does work that is a [`statement`] while it lasts.
///
/// # Errors
/// Those of the work, which its span tells.
pub async fn in_statement<T, E: Display>(
    summary: &'static str,
    parent: Option<TraceContext>,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let mut span = statement(summary, parent);
    let done = work.await;
    if let Err(fault) = &done {
        span.fail("database", fault);
    }
    done
}

/// What a span is to its trace, with OTLP's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SpanKind {
    Internal = 1,
    Server = 2,
    Client = 3,
    Producer = 4,
    Consumer = 5,
}

/// A span that is about to start.
#[derive(Debug)]
#[must_use = "a span starts with start()"]
pub struct Builder {
    kind: SpanKind,
    name: Cow<'static, str>,
    parent: Option<TraceContext>,
    since: Option<SystemTime>,
    /// What it is done for, where that is several traces.
    of: Option<Vec<TraceContext>>,
    quiet: bool,
}

impl Builder {
    fn new(kind: SpanKind, name: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, name: name.into(), parent: None, since: None, of: None, quiet: false }
    }

    /// The span above it; without one it starts a trace.
    pub fn parent(mut self, parent: impl Into<Option<TraceContext>>) -> Self {
        self.parent = parent.into();
        self
    }

    /// When it began, if that is past.
    pub fn since(mut self, time: impl Into<Option<SystemTime>>) -> Self {
        self.since = time.into();
        self
    }

    /// What is done once for all of these: it begins a trace of its own, linked to those of them that are recorded, and is
    /// recorded where any is.
    pub fn for_all(mut self, traces: impl IntoIterator<Item = TraceContext>) -> Self {
        self.parent = None;
        self.of = Some(traces.into_iter().filter(|trace| trace.is_sampled()).collect());
        self
    }

    /// What is done over and over, such as asking for news: it is recorded only where it fails or is slow, and what it calls
    /// is told not to record.
    pub fn quiet(mut self, quiet: bool) -> Self {
        self.quiet = quiet;
        self
    }

    /// Starts it.
    pub fn start(self) -> Span {
        let Some(recorder) = RECORDER.get() else { return Span::unrecorded(self.parent) };
        self.start_with(recorder)
    }

    fn start_with(self, recorder: &Recorder) -> Span {
        let parent = self.parent;
        if self.of.as_ref().is_some_and(Vec::is_empty) {
            return Span::unrecorded(None);
        }
        let follows = recorder.sampler == Sampler::FollowsParent;
        let may_keep = self.quiet || self.kind == SpanKind::Server;
        if follows && !may_keep && parent.is_some_and(|parent| !parent.is_sampled()) {
            return Span::unrecorded(parent);
        }
        let mut random = rand::rng();
        let trace = parent.map_or_else(|| random.random::<u128>().max(1).into(), TraceContext::trace_id);
        let sampled = match parent {
            _ if self.quiet => false,
            Some(parent) if follows => parent.is_sampled(),
            _ => self.of.is_some() || sampling::takes(trace),
        };
        let context = TraceContext::new(trace, random.random::<u64>().max(1).into(), sampled);
        let keep = match (sampled, may_keep) {
            (true, _) => Keep::Always,
            (false, true) => Keep::IfTelling,
            (false, false) => return Span::unrecorded(Some(context)),
        };
        let queue = Arc::clone(&recorder.queue);
        let mut recording = Recording::begin(queue, keep, context, parent, self.kind as u8, self.name, self.since);
        self.of.into_iter().flatten().for_each(|trace| recording.link(trace));
        Span { recorded: Some(Box::new(recording)), context: Some(context) }
    }
}

/// A span in progress. It ends when it is dropped.
#[derive(Debug)]
#[must_use = "a span ends when it is dropped"]
pub struct Span {
    recorded: Option<Box<Recording>>,
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

    /// Sets an attribute, once; see [`names`].
    pub fn set<K: Kind + ?Sized>(&mut self, key: Key<K>, value: K::Value<'_>) {
        if let Some(span) = &mut self.recorded {
            span.set(key.name(), K::any(value));
        }
    }

    /// Tells what of a baggage is to be told, see [`baggage::set_told`].
    pub fn tell(&mut self, carried: Option<&Baggage>) {
        let (Some(span), Some(carried)) = (&mut self.recorded, carried) else { return };
        for key in baggage::told() {
            if let Some(value) = carried.get(key.name()) {
                span.set(key.name(), <str as Kind>::any(&value));
            }
        }
    }

    /// Links it to another span, as a batch to those that made its messages.
    pub fn link(&mut self, to: impl Into<Option<TraceContext>>) {
        if let (Some(span), Some(to)) = (&mut self.recorded, to.into()) {
            span.link(to);
        }
    }

    /// Adds an event that happens now, with the attributes that `fill` sets on it.
    pub fn event(&mut self, name: &'static str, fill: impl FnOnce(&mut Attributes<'_>)) {
        if let Some(span) = &mut self.recorded {
            span.event(name, fill);
        }
    }

    /// Gives it another name, as when the route is known only later.
    pub fn rename(&mut self, name: impl Into<Cow<'static, str>>) {
        if let Some(span) = &mut self.recorded {
            span.name = name.into();
        }
    }

    /// Marks it as failed: `class` has few values, such as the name of an error's variant; `fault` may have many. The
    /// first fault stays.
    pub fn fail(&mut self, class: &str, fault: &dyn Display) {
        if let Some(span) = &mut self.recorded
            && span.fault.is_none()
        {
            span.set(names::ERROR_TYPE.name(), <str as Kind>::any(class));
            span.fault = Some(fault.to_string());
        }
    }

    /// Ends it now.
    pub fn end(self) {
        drop(self);
    }

    /// Ends it at a time that is past.
    pub fn end_at(mut self, time: SystemTime) {
        if let Some(span) = self.recorded.take() {
            span.end(time);
        }
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        if let Some(span) = self.recorded.take() {
            span.end(SystemTime::now());
        }
    }
}

#[cfg(test)]
mod tests;

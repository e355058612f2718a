//! A span while it is recorded: OTLP's `Span` as far as it is known, and the rest when it ends.

use std::{
    borrow::Cow,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crate::{
    attribute::{self, Any, Key, Kind},
    context::TraceContext,
    export::Queue,
    names, sampling,
    wire::{self, Wire},
};

/// Fields of `opentelemetry.proto.trace.v1.Span`.
mod field {
    pub(super) const TRACE_ID: u8 = 1;
    pub(super) const SPAN_ID: u8 = 2;
    pub(super) const PARENT_SPAN_ID: u8 = 4;
    pub(super) const NAME: u8 = 5;
    pub(super) const KIND: u8 = 6;
    pub(super) const START: u8 = 7;
    pub(super) const END: u8 = 8;
    pub(super) const ATTRIBUTES: u8 = 9;
    pub(super) const EVENTS: u8 = 11;
    pub(super) const LINKS: u8 = 13;
    pub(super) const STATUS: u8 = 15;
    pub(super) const FLAGS: u16 = 16;
    /// Of an event: its attributes.
    pub(super) const EVENT_ATTRIBUTES: u8 = 3;
    /// Of a link: its flags.
    pub(super) const LINK_FLAGS: u16 = 6;
}

/// What a span's attributes, events and links usually take.
const BODY: usize = 512;
/// Ids, kind, times and flags: all of a fixed length.
const FIXED: usize = 18 + 10 + 2 + 9 + 9 + 6;
const STATUS_ERROR: u64 = 2;

/// When a span is kept that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// Its trace is sampled.
    Always,
    /// Only where it failed or was slow.
    IfTelling,
}

#[derive(Debug)]
pub(super) struct Recording {
    pub(super) name: Cow<'static, str>,
    pub(super) fault: Option<String>,
    queue: Arc<Queue>,
    keep: Keep,
    context: TraceContext,
    parent: Option<TraceContext>,
    kind: u8,
    start: u64,
    /// Attributes, events and links, as they are sent.
    body: Vec<u8>,
}

impl Recording {
    pub(super) fn begin(
        queue: Arc<Queue>,
        keep: Keep,
        context: TraceContext,
        parent: Option<TraceContext>,
        kind: u8,
        name: Cow<'static, str>,
        since: Option<SystemTime>,
    ) -> Self {
        let start = nanos(since.unwrap_or_else(SystemTime::now));
        Self { name, fault: None, queue, keep, context, parent, kind, start, body: Vec::with_capacity(BODY) }
    }

    pub(super) fn set(&mut self, key: &'static str, value: Any<'_>) {
        attribute::write(&mut self.body, field::ATTRIBUTES, key, value);
    }

    pub(super) fn link(&mut self, to: TraceContext) {
        let flags = u32::from(to.flags());
        self.body.head(field::LINKS, 18 + 10 + 5);
        self.body.bytes(1, &to.trace_id().to_bytes());
        self.body.bytes(2, &to.span_id().to_bytes());
        self.body.fixed32(field::LINK_FLAGS, flags);
    }

    pub(super) fn event(&mut self, name: &'static str, fill: impl FnOnce(&mut Attributes<'_>)) {
        let mut event = Vec::with_capacity(128);
        event.fixed64(1, nanos(SystemTime::now()));
        event.text(2, name);
        fill(&mut Attributes { of: &mut event });
        self.body.bytes(field::EVENTS, &event);
    }

    pub(super) fn end(mut self, time: SystemTime) {
        // A clock that was set back must not make a span that ends before it begins.
        let end = nanos(time).max(self.start);
        if self.keep == Keep::IfTelling {
            let Some(why) = self.telling(Duration::from_nanos(end - self.start)) else { return };
            self.set(names::shop::KEPT.name(), Any::Text(why));
        }
        let status = self.fault.take().map(|fault| status(&fault)).unwrap_or_default();
        let parent = if self.parent.is_some() { 10 } else { 0 };
        let length = FIXED + parent + wire::len_delimited(self.name.len()) + self.body.len() + status.len();
        self.queue.push(length, |to| self.write(to, end, &status));
    }

    /// Why a span deserves to be kept in spite of the sampler, if it does.
    fn telling(&self, took: Duration) -> Option<&'static str> {
        match () {
            () if self.fault.is_some() => Some("error"),
            () if took >= sampling::slow() => Some("slow"),
            () => None,
        }
    }

    fn write(&self, to: &mut Vec<u8>, end: u64, status: &[u8]) {
        to.bytes(field::TRACE_ID, &self.context.trace_id().to_bytes());
        to.bytes(field::SPAN_ID, &self.context.span_id().to_bytes());
        if let Some(parent) = self.parent {
            to.bytes(field::PARENT_SPAN_ID, &parent.span_id().to_bytes());
        }
        to.text(field::NAME, &self.name);
        to.number(field::KIND, u64::from(self.kind));
        to.fixed64(field::START, self.start);
        to.fixed64(field::END, end);
        to.extend_from_slice(&self.body);
        to.extend_from_slice(status);
        to.fixed32(field::FLAGS, u32::from(self.context.flags()));
    }
}

fn status(message: &str) -> Vec<u8> {
    let mut status = Vec::with_capacity(message.len() + 16);
    status.head(field::STATUS, wire::len_delimited(message.len()) + 2);
    status.text(2, message);
    status.number(3, STATUS_ERROR);
    status
}

/// Nanoseconds since 1970; 0 before it.
fn nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// The attributes of an event.
#[derive(Debug)]
pub struct Attributes<'a> {
    of: &'a mut Vec<u8>,
}

impl Attributes<'_> {
    /// Sets an attribute, once.
    pub fn set<K: Kind + ?Sized>(&mut self, key: Key<K>, value: K::Value<'_>) {
        attribute::write(self.of, field::EVENT_ATTRIBUTES, key.name(), K::any(value));
    }
}

//! Some of the spans, with every table that is needed to find and to read them: a chunk refers to nothing outside, so
//! that the oldest is forgotten by dropping it.

use std::{collections::HashMap, sync::Arc};

use hashbrown::{DefaultHashBuilder, HashTable};

use super::{
    codec::Cursor,
    decode::Head,
    encode::{Origin, Words, put_span},
    model::{Resource, Scope, Span, TraceId},
    origins::Origins,
    tables,
};
use crate::wire;

/// No span: the end of a trace's chain.
pub(super) const NONE: u32 = u32::MAX;

/// A service's operation, as spans share them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Operation {
    /// Both are numbers of texts.
    pub(super) service: u32,
    pub(super) name: u32,
    pub(super) kind: i32,
}

/// A trace, as far as it is in this chunk.
#[derive(Debug)]
pub(super) struct Trace {
    pub(super) id: TraceId,
    /// The span that came last; each names the one before.
    pub(super) last: u32,
}

/// Spans, and the tables.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    pub(super) words: Words,
    pub(super) origins: Origins,
    pub(super) operations: Vec<Operation>,
    operation_numbers: HashTable<u32>,
    pub(super) traces: Vec<Trace>,
    trace_numbers: HashTable<u32>,
    hasher: DefaultHashBuilder,
    /// Of each span: where it stands, what it does, its trace, and the trace's span before it.
    pub(super) offsets: Vec<u32>,
    pub(super) operation_of: Vec<u32>,
    pub(super) trace_of: Vec<u32>,
    pub(super) before: Vec<u32>,
    bytes: Vec<u8>,
    /// Times of spans are told as the distance from this one: the start of the first.
    base: u64,
    /// The start of the earliest and of the latest span; nanoseconds since 1970.
    pub(super) starts: Option<(u64, u64)>,
}

impl Chunk {
    /// Adds a span of this resource and scope, which [`Chunk::origins`] numbered.
    pub(super) fn add(&mut self, span: &wire::Span<'_>, parts: &wire::Parts<'_>, resource: u32, scope: u32) {
        let service = self.origins.service(resource);
        let name = self.words.strings.number(span.name);
        let operation = self.operation(Operation { service, name, kind: span.kind });
        let trace = self.trace(span.trace_id);
        if self.offsets.is_empty() {
            self.base = span.start;
        }
        let (first, last) = self.starts.unwrap_or((span.start, span.start));
        self.starts = Some((first.min(span.start), last.max(span.start)));
        let number = self.offsets.len() as u32;
        self.offsets.push(self.bytes.len() as u32);
        self.operation_of.push(operation);
        self.trace_of.push(trace);
        let last = self.traces.get_mut(trace as usize).map(|trace| &mut trace.last);
        self.before.push(last.map_or(NONE, |last| std::mem::replace(last, number)));
        let Self { bytes, words, base, .. } = self;
        put_span(bytes, words, span, parts, Origin { base: *base, resource, scope });
    }

    fn operation(&mut self, operation: Operation) -> u32 {
        let Self { operations, operation_numbers, hasher, .. } = self;
        tables::number(operations, operation_numbers, hasher, &operation, || operation)
    }

    fn trace(&mut self, id: TraceId) -> u32 {
        let Self { traces, trace_numbers, hasher, .. } = self;
        tables::number(traces, trace_numbers, hasher, &id, || Trace { id, last: NONE })
    }

    /// How many spans are here.
    pub(super) fn spans(&self) -> usize {
        self.offsets.len()
    }

    /// Bytes that it takes in memory.
    pub(super) fn size(&self) -> usize {
        let columns = [&self.offsets, &self.operation_of, &self.trace_of, &self.before];
        columns.iter().map(|column| column.capacity() * size_of::<u32>()).sum::<usize>()
            + self.bytes.capacity()
            + self.words.keys.size()
            + self.words.strings.size()
            + self.origins.size()
            + self.operations.capacity() * size_of::<Operation>()
            + self.operation_numbers.allocation_size()
            + self.traces.capacity() * size_of::<Trace>()
            + self.trace_numbers.allocation_size()
            + size_of::<Self>()
    }

    /// Gives back what was taken for more spans.
    pub(super) fn shrink(&mut self) {
        for column in [&mut self.offsets, &mut self.operation_of, &mut self.trace_of, &mut self.before] {
            column.shrink_to_fit();
        }
        self.bytes.shrink_to_fit();
        self.words.keys.shrink();
        self.words.strings.shrink();
        self.operations.shrink_to_fit();
        self.traces.shrink_to_fit();
        let Self { operations, operation_numbers, traces, trace_numbers, hasher, .. } = self;
        tables::shrink(operations, operation_numbers, hasher);
        tables::shrink(traces, trace_numbers, hasher);
    }

    /// The spans of a trace, those that came last first.
    pub(super) fn spans_of(&self, id: &TraceId) -> impl Iterator<Item = u32> {
        let trace = tables::find(&self.traces, &self.trace_numbers, &self.hasher, id);
        self.chain(trace.and_then(|trace| self.traces.get(trace as usize)).map_or(NONE, |trace| trace.last))
    }

    /// This span, and those of its trace that came before it.
    pub(super) fn chain(&self, last: u32) -> impl Iterator<Item = u32> {
        std::iter::successors(Some(last), |span| self.before.get(*span as usize).copied())
            .take_while(|span| *span != NONE)
    }

    pub(super) fn head(&self, span: u32) -> Head<'_> {
        let offset = self.offsets.get(span as usize).copied().unwrap_or(NONE);
        Head::read(Cursor::at(&self.bytes, offset), self.base)
    }

    pub(super) fn operation_at(&self, span: u32) -> Operation {
        let number = self.operation_of.get(span as usize).copied().unwrap_or(NONE);
        self.operations.get(number as usize).copied().unwrap_or(Operation { service: NONE, name: NONE, kind: 0 })
    }

    /// Reads a trace's spans, each whole; those that came first stand first.
    pub(super) fn read(&self, id: &TraceId, into: &mut Vec<Span>) {
        let mut origins = Read::default();
        let first = into.len();
        for span in self.spans_of(id) {
            into.push(self.span(*id, span, &mut origins));
        }
        into[first..].reverse();
    }

    fn span(&self, trace_id: TraceId, span: u32, read: &mut Read) -> Span {
        let operation = self.operation_at(span);
        let head = self.head(span);
        let (start, end, span_id, parent) = (head.start, head.end, head.span_id, head.parent);
        let (resource, scope) = (head.resource, head.scope);
        let mut middle = head.middle(&self.words);
        let attributes = self.words.attributes(&mut middle.rest);
        let events = (0..middle.events()).map(|_| self.words.event(&mut middle.rest, start)).collect();
        let links = (0..middle.links()).map(|_| self.words.link(&mut middle.rest)).collect();
        let resources = read.resources.entry(resource);
        let scopes = read.scopes.entry(scope);
        Span {
            trace_id,
            span_id,
            parent,
            name: self.words.strings.get(operation.name).to_owned(),
            kind: operation.kind,
            start,
            end,
            status: middle.status,
            message: middle.message.to_owned(),
            state: middle.state.to_owned(),
            flags: middle.flags,
            dropped: middle.dropped,
            attributes,
            events,
            links,
            resource: Arc::clone(resources.or_insert_with(|| self.origins.read_resource(resource, &self.words).into())),
            scope: Arc::clone(scopes.or_insert_with(|| self.origins.read_scope(scope, &self.words).into())),
        }
    }
}

/// What spans share, once it has been read.
#[derive(Default)]
struct Read {
    resources: HashMap<u32, Arc<Resource>>,
    scopes: HashMap<u32, Arc<Scope>>,
}

impl tables::Keyed for Operation {
    type Key = Self;

    fn key(&self) -> &Self {
        self
    }
}

impl tables::Keyed for Trace {
    type Key = TraceId;

    fn key(&self) -> &TraceId {
        &self.id
    }
}

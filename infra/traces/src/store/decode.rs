//! From a chunk's bytes to spans, or to as much of one as a search has to look at.

use super::{
    codec::Cursor,
    encode::{Words, kind, part},
    model::{Attributes, Event, Link, SpanId, Value},
};

/// What stands first in a span. Reading goes on behind it.
#[derive(Clone, Debug)]
pub(super) struct Head<'c> {
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) span_id: SpanId,
    pub(super) parent: Option<SpanId>,
    pub(super) resource: u32,
    pub(super) scope: u32,
    parts: u64,
    rest: Cursor<'c>,
}

/// What follows, up to the attributes.
#[derive(Clone, Debug)]
pub(super) struct Middle<'c> {
    pub(super) status: i32,
    pub(super) message: &'c str,
    pub(super) state: &'c str,
    pub(super) flags: u32,
    pub(super) dropped: [u32; 3],
    parts: u64,
    pub(super) rest: Cursor<'c>,
}

/// A value where it stands.
#[derive(Clone, Debug)]
pub(super) enum Raw<'c> {
    Empty,
    Text(&'c str),
    Bool(bool),
    Int(i64),
    Double(f64),
    Bytes(&'c [u8]),
    Array(Cursor<'c>),
    Map(Cursor<'c>),
}

impl<'c> Head<'c> {
    pub(super) fn read(mut cursor: Cursor<'c>, base: u64) -> Self {
        let start = base.wrapping_add(cursor.signed() as u64);
        let end = start.wrapping_add(cursor.signed() as u64);
        let span_id = cursor.array();
        let parts = cursor.number();
        let parent = (parts & part::PARENT != 0).then(|| cursor.array());
        let (resource, scope) = (cursor.number() as u32, cursor.number() as u32);
        Self { start, end, span_id, parent, resource, scope, parts, rest: cursor }
    }

    /// Nanoseconds; none where the span ends before it starts.
    pub(super) fn duration(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    pub(super) fn middle(self, words: &'c Words) -> Middle<'c> {
        let (parts, mut rest) = (self.parts, self.rest);
        let has = |part| parts & part != 0;
        let status = if has(part::STATUS) { rest.signed() as i32 } else { 0 };
        let message = if has(part::MESSAGE) { words.strings.read(&mut rest) } else { "" };
        let state = if has(part::STATE) { words.strings.read(&mut rest) } else { "" };
        let flags = if has(part::FLAGS) { rest.number() as u32 } else { 0 };
        let dropped = if has(part::DROPPED) { [(); 3].map(|()| rest.number() as u32) } else { [0; 3] };
        Middle { status, message, state, flags, dropped, parts, rest }
    }
}

impl<'c> Middle<'c> {
    /// How many events follow the attributes.
    pub(super) fn events(&mut self) -> u64 {
        if self.parts & part::EVENTS != 0 { self.rest.number() } else { 0 }
    }

    /// How many links follow the events.
    pub(super) fn links(&mut self) -> u64 {
        if self.parts & part::LINKS != 0 { self.rest.number() } else { 0 }
    }
}

impl Words {
    /// The next attribute's key and value; `None` at the end of the list, which is then behind the cursor.
    pub(super) fn next_pair<'c>(&'c self, cursor: &mut Cursor<'c>) -> Option<(u32, Raw<'c>)> {
        let key = cursor.number().checked_sub(1)?;
        Some((key as u32, self.raw(cursor)))
    }

    pub(super) fn raw<'c>(&'c self, cursor: &mut Cursor<'c>) -> Raw<'c> {
        match cursor.byte() {
            kind::TEXT => Raw::Text(self.strings.read(cursor)),
            kind::FALSE => Raw::Bool(false),
            kind::TRUE => Raw::Bool(true),
            kind::INT => Raw::Int(cursor.signed()),
            kind::DOUBLE => Raw::Double(f64::from_le_bytes(cursor.array())),
            kind::BYTES => {
                let length = cursor.number() as usize;
                Raw::Bytes(cursor.take(length))
            }
            kind::ARRAY => Raw::Array(cursor.block()),
            kind::MAP => Raw::Map(cursor.block()),
            _ => Raw::Empty,
        }
    }

    pub(super) fn attributes<'c>(&'c self, cursor: &mut Cursor<'c>) -> Attributes {
        let pairs = std::iter::from_fn(|| self.next_pair(cursor));
        pairs.map(|(key, raw)| (self.keys.get(key).to_owned(), self.value(raw))).collect()
    }

    pub(super) fn value<'c>(&'c self, raw: Raw<'c>) -> Value {
        match raw {
            Raw::Empty => Value::Empty,
            Raw::Text(text) => Value::Text(text.to_owned()),
            Raw::Bool(value) => Value::Bool(value),
            Raw::Int(value) => Value::Int(value),
            Raw::Double(value) => Value::Double(value),
            Raw::Bytes(bytes) => Value::Bytes(bytes.to_vec()),
            Raw::Array(mut block) => {
                let mut values = Vec::new();
                while !block.is_empty() {
                    values.push(self.value(self.raw(&mut block)));
                }
                Value::Array(values)
            }
            Raw::Map(mut block) => Value::Map(self.attributes(&mut block)),
        }
    }

    pub(super) fn event<'c>(&'c self, cursor: &mut Cursor<'c>, start: u64) -> Event {
        let time = start.wrapping_add(cursor.signed() as u64);
        let name = self.strings.read(cursor).to_owned();
        let dropped = cursor.number() as u32;
        Event { time, name, dropped, attributes: self.attributes(cursor) }
    }

    pub(super) fn link<'c>(&'c self, cursor: &mut Cursor<'c>) -> Link {
        let (trace_id, span_id) = (cursor.array(), cursor.array());
        let state = self.strings.read(cursor).to_owned();
        let (flags, dropped) = (cursor.number() as u32, cursor.number() as u32);
        Link { trace_id, span_id, state, flags, dropped, attributes: self.attributes(cursor) }
    }
}

//! From OTLP's messages to a chunk's bytes. `decode.rs` reads them.
//!
//! Messages were checked before: what can't be read ends a message, and nothing fails.

use super::{
    codec::{put, put_signed},
    strings::Strings,
};
use crate::wire::{self, AnyValue, Field, Pair, Parts, Span, fields};

/// Which parts of a span follow its head.
pub(super) mod part {
    pub(in crate::store) const PARENT: u64 = 1;
    pub(in crate::store) const STATUS: u64 = 1 << 1;
    pub(in crate::store) const MESSAGE: u64 = 1 << 2;
    pub(in crate::store) const STATE: u64 = 1 << 3;
    pub(in crate::store) const FLAGS: u64 = 1 << 4;
    pub(in crate::store) const EVENTS: u64 = 1 << 5;
    pub(in crate::store) const DROPPED: u64 = 1 << 6;
    pub(in crate::store) const LINKS: u64 = 1 << 7;
}

/// What kind of value an attribute has.
pub(super) mod kind {
    pub(in crate::store) const EMPTY: u8 = 0;
    pub(in crate::store) const TEXT: u8 = 1;
    pub(in crate::store) const FALSE: u8 = 2;
    pub(in crate::store) const TRUE: u8 = 3;
    pub(in crate::store) const INT: u8 = 4;
    pub(in crate::store) const DOUBLE: u8 = 5;
    pub(in crate::store) const BYTES: u8 = 6;
    pub(in crate::store) const ARRAY: u8 = 7;
    pub(in crate::store) const MAP: u8 = 8;
}

/// The tables of a chunk that attributes are written with.
#[derive(Debug, Default)]
pub(super) struct Words {
    /// Names of attributes: few, so that a number is one byte mostly.
    pub(super) keys: Strings,
    /// All other texts.
    pub(super) strings: Strings,
    /// Whether a value stands here whose text is not among the texts, though it can be asked for by it.
    pub(super) has_other_values: bool,
}

/// What a chunk knows of a span besides.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin {
    /// Its times are told as the distance from this one.
    pub(super) base: u64,
    pub(super) resource: u32,
    pub(super) scope: u32,
}

/// Writes everything but name, kind and trace id, which a chunk holds in its tables.
pub(super) fn put_span(bytes: &mut Vec<u8>, words: &mut Words, span: &Span<'_>, parts: &Parts<'_>, origin: Origin) {
    let (events, links) = (span.events(parts), span.links(parts));
    put_signed(bytes, span.start.wrapping_sub(origin.base) as i64);
    put_signed(bytes, span.end.wrapping_sub(span.start) as i64);
    bytes.extend_from_slice(&span.span_id);
    put(bytes, present(span, !events.is_empty(), !links.is_empty()));
    if let Some(parent) = span.parent {
        bytes.extend_from_slice(&parent);
    }
    put(bytes, u64::from(origin.resource));
    put(bytes, u64::from(origin.scope));
    if span.status != 0 {
        put_signed(bytes, span.status.into());
    }
    for text in [span.message, span.state] {
        if !text.is_empty() {
            words.strings.put(bytes, text);
        }
    }
    if span.flags != 0 {
        put(bytes, span.flags.into());
    }
    if span.dropped != [0; 3] {
        span.dropped.iter().for_each(|dropped| put(bytes, u64::from(*dropped)));
    }
    words.put_attributes(bytes, span.attributes(parts).iter().copied());
    if !events.is_empty() {
        put(bytes, events.len() as u64);
        events.iter().for_each(|event| words.put_event(bytes, event, span.start));
    }
    if !links.is_empty() {
        put(bytes, links.len() as u64);
        links.iter().for_each(|link| words.put_link(bytes, link));
    }
}

/// Which parts follow the head.
fn present(span: &Span<'_>, events: bool, links: bool) -> u64 {
    let mut parts = 0;
    let mut set = |part, present: bool| parts |= if present { part } else { 0 };
    set(part::PARENT, span.parent.is_some());
    set(part::STATUS, span.status != 0);
    set(part::MESSAGE, !span.message.is_empty());
    set(part::STATE, !span.state.is_empty());
    set(part::FLAGS, span.flags != 0);
    set(part::EVENTS, events);
    set(part::DROPPED, span.dropped != [0; 3]);
    set(part::LINKS, links);
    parts
}

impl Words {
    /// Writes pairs, and a zero at their end.
    pub(super) fn put_attributes<'a>(&mut self, bytes: &mut Vec<u8>, pairs: impl Iterator<Item = Pair<'a>>) {
        for pair in pairs {
            put(bytes, u64::from(self.keys.number(pair.key)) + 1);
            self.put_value(bytes, pair.value);
        }
        bytes.push(0);
    }

    fn put_value(&mut self, bytes: &mut Vec<u8>, value: AnyValue<'_>) {
        self.has_other_values |=
            !matches!(value, AnyValue::Empty | AnyValue::Text(_) | AnyValue::Bool(_) | AnyValue::Int(_));
        match value {
            AnyValue::Empty => bytes.push(kind::EMPTY),
            AnyValue::Text(text) => {
                bytes.push(kind::TEXT);
                self.strings.put(bytes, text);
            }
            AnyValue::Bool(value) => bytes.push(if value { kind::TRUE } else { kind::FALSE }),
            AnyValue::Int(value) => {
                bytes.push(kind::INT);
                put_signed(bytes, value);
            }
            AnyValue::Double(bits) => {
                bytes.push(kind::DOUBLE);
                bytes.extend_from_slice(&bits.to_le_bytes());
            }
            AnyValue::Bytes(value) => {
                bytes.push(kind::BYTES);
                put_block(bytes, value);
            }
            // A list is a block with its length before it, so that it can be skipped.
            AnyValue::Array(items) => {
                bytes.push(kind::ARRAY);
                let mut block = Vec::new();
                messages(items, 1).for_each(|item| self.put_value(&mut block, wire::value(item)));
                put_block(bytes, &block);
            }
            AnyValue::Map(pairs) => {
                bytes.push(kind::MAP);
                let mut block = Vec::new();
                self.put_attributes(&mut block, messages(pairs, 1).map(wire::pair));
                put_block(bytes, &block);
            }
        }
    }

    fn put_event(&mut self, bytes: &mut Vec<u8>, message: &[u8], start: u64) {
        let (mut time, mut name, mut left_out) = (0, &[][..], 0);
        for field in known(message) {
            match field.number {
                1 => time = field.fixed64().unwrap_or(0),
                2 => name = text(&field),
                4 => left_out = dropped(&field),
                _ => {}
            }
        }
        put_signed(bytes, u64::wrapping_sub(time, start) as i64);
        self.strings.put(bytes, name);
        put(bytes, left_out);
        self.put_attributes(bytes, messages(message, 3).map(wire::pair));
    }

    fn put_link(&mut self, bytes: &mut Vec<u8>, message: &[u8]) {
        let (mut trace_id, mut span_id, mut state, mut flags, mut left_out) = ([0; 16], [0; 8], &[][..], 0, 0);
        for field in known(message) {
            match field.number {
                1 => trace_id = array(&field),
                2 => span_id = array(&field),
                3 => state = text(&field),
                5 => left_out = dropped(&field),
                6 => flags = field.fixed32().unwrap_or(0),
                _ => {}
            }
        }
        bytes.extend_from_slice(&trace_id);
        bytes.extend_from_slice(&span_id);
        self.strings.put(bytes, state);
        put(bytes, flags.into());
        put(bytes, left_out);
        self.put_attributes(bytes, messages(message, 4).map(wire::pair));
    }
}

fn put_block(bytes: &mut Vec<u8>, block: &[u8]) {
    put(bytes, block.len() as u64);
    bytes.extend_from_slice(block);
}

/// The fields up to the first that can't be read; there is none, see above.
pub(super) fn known(message: &[u8]) -> impl Iterator<Item = Field<'_>> {
    fields(message).map_while(Result::ok)
}

/// Every message under this number.
pub(super) fn messages(message: &[u8], number: u32) -> impl Iterator<Item = &[u8]> {
    known(message).filter(move |field| field.number == number).filter_map(|field| field.bytes().ok())
}

/// A text's bytes; whether they are UTF-8 was checked before.
pub(super) fn text<'a>(field: &Field<'a>) -> &'a [u8] {
    field.bytes().unwrap_or_default()
}

pub(super) fn dropped(field: &Field<'_>) -> u64 {
    u64::from(field.varint().unwrap_or(0) as u32)
}

fn array<const N: usize>(field: &Field<'_>) -> [u8; N] {
    field.bytes().ok().and_then(|bytes| bytes.try_into().ok()).unwrap_or([0; N])
}

//! From OTLP's messages to a chunk's bytes. `decode.rs` reads them.
//!
//! Messages were checked before: what can't be read ends a message, and nothing fails.

use super::{
    codec::{put, put_signed},
    strings::Strings,
};
use crate::wire::{Field, fields};

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

/// A span's own fields, and its parts in the bytes of a chunk, ready to be put one behind the other.
#[derive(Debug, Default)]
pub(super) struct SpanParts<'a> {
    pub(super) trace_id: [u8; 16],
    pub(super) span_id: [u8; 8],
    pub(super) parent: Option<[u8; 8]>,
    pub(super) name: &'a [u8],
    pub(super) kind: i32,
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) state: &'a [u8],
    pub(super) flags: u32,
    /// Attributes, events, links that the sender left out.
    pub(super) dropped: [u64; 3],
    pub(super) status: i32,
    pub(super) message: &'a [u8],
    attributes: Vec<&'a [u8]>,
    events: Vec<&'a [u8]>,
    links: Vec<&'a [u8]>,
}

impl<'a> SpanParts<'a> {
    /// Takes a span's message apart.
    pub(super) fn read(&mut self, message: &'a [u8]) {
        let [attributes, events, links] = [&mut self.attributes, &mut self.events, &mut self.links].map(emptied);
        *self = Self { attributes, events, links, ..Self::default() };
        for field in known(message) {
            match field.number {
                1 => self.trace_id = array(&field),
                2 => self.span_id = array(&field),
                3 => self.state = text(&field),
                4 => self.parent = Some(array(&field)).filter(|id| *id != [0; 8]),
                5 => self.name = text(&field),
                6 => self.kind = field.varint().unwrap_or(0) as i32,
                7 => self.start = field.fixed64().unwrap_or(0),
                8 => self.end = field.fixed64().unwrap_or(0),
                9 => self.attributes.extend(field.bytes()),
                10 => self.dropped[0] = dropped(&field),
                11 => self.events.extend(field.bytes()),
                12 => self.dropped[1] = dropped(&field),
                13 => self.links.extend(field.bytes()),
                14 => self.dropped[2] = dropped(&field),
                15 => self.read_status(field.bytes().unwrap_or_default()),
                16 => self.flags = field.fixed32().unwrap_or(0),
                _ => {}
            }
        }
    }

    fn read_status(&mut self, message: &'a [u8]) {
        for field in known(message) {
            match field.number {
                2 => self.message = text(&field),
                3 => self.status = field.varint().unwrap_or(0) as i32,
                _ => {}
            }
        }
    }

    fn parts(&self) -> u64 {
        let mut parts = 0;
        let mut set = |part, present: bool| parts |= if present { part } else { 0 };
        set(part::PARENT, self.parent.is_some());
        set(part::STATUS, self.status != 0);
        set(part::MESSAGE, !self.message.is_empty());
        set(part::STATE, !self.state.is_empty());
        set(part::FLAGS, self.flags != 0);
        set(part::EVENTS, !self.events.is_empty());
        set(part::DROPPED, self.dropped != [0; 3]);
        set(part::LINKS, !self.links.is_empty());
        parts
    }

    /// Writes everything but name, kind and trace id, which a chunk holds in its tables.
    pub(super) fn put(&self, bytes: &mut Vec<u8>, words: &mut Words, base: u64, resource: u32, scope: u32) {
        put_signed(bytes, self.start.wrapping_sub(base) as i64);
        put_signed(bytes, self.end.wrapping_sub(self.start) as i64);
        bytes.extend_from_slice(&self.span_id);
        put(bytes, self.parts());
        if let Some(parent) = self.parent {
            bytes.extend_from_slice(&parent);
        }
        put(bytes, u64::from(resource));
        put(bytes, u64::from(scope));
        if self.status != 0 {
            put_signed(bytes, self.status.into());
        }
        for text in [self.message, self.state] {
            if !text.is_empty() {
                words.strings.put(bytes, text);
            }
        }
        if self.flags != 0 {
            put(bytes, self.flags.into());
        }
        if self.dropped != [0; 3] {
            self.dropped.iter().for_each(|dropped| put(bytes, *dropped));
        }
        words.put_attributes(bytes, self.attributes.iter().copied());
        if !self.events.is_empty() {
            put(bytes, self.events.len() as u64);
            self.events.iter().for_each(|event| words.put_event(bytes, event, self.start));
        }
        if !self.links.is_empty() {
            put(bytes, self.links.len() as u64);
            self.links.iter().for_each(|link| words.put_link(bytes, link));
        }
    }
}

impl Words {
    /// Writes pairs, and a zero at their end.
    pub(super) fn put_attributes<'a>(&mut self, bytes: &mut Vec<u8>, pairs: impl Iterator<Item = &'a [u8]>) {
        for pair in pairs {
            self.put_pair(bytes, pair);
        }
        bytes.push(0);
    }

    fn put_pair(&mut self, bytes: &mut Vec<u8>, message: &[u8]) {
        let (mut key, mut value) = (&[][..], &[][..]);
        for field in known(message) {
            match field.number {
                1 => key = text(&field),
                2 => value = field.bytes().unwrap_or_default(),
                _ => {}
            }
        }
        put(bytes, u64::from(self.keys.number(key)) + 1);
        self.put_value(bytes, value);
    }

    fn put_value(&mut self, bytes: &mut Vec<u8>, message: &[u8]) {
        let Some(field) = known(message).filter(|field| (1..=7).contains(&field.number)).last() else {
            bytes.push(kind::EMPTY);
            return;
        };
        match field.number {
            1 => {
                bytes.push(kind::TEXT);
                self.strings.put(bytes, text(&field));
            }
            2 => bytes.push(if field.varint().unwrap_or(0) == 0 { kind::FALSE } else { kind::TRUE }),
            3 => {
                bytes.push(kind::INT);
                put_signed(bytes, field.varint().unwrap_or(0) as i64);
            }
            4 => {
                self.has_other_values = true;
                bytes.push(kind::DOUBLE);
                bytes.extend_from_slice(&field.fixed64().unwrap_or(0).to_le_bytes());
            }
            7 => {
                self.has_other_values = true;
                bytes.push(kind::BYTES);
                put_block(bytes, field.bytes().unwrap_or_default());
            }
            number => self.put_list(bytes, number == 6, field.bytes().unwrap_or_default()),
        }
    }

    /// A list is a block with its length before it, so that it can be skipped.
    fn put_list(&mut self, bytes: &mut Vec<u8>, is_map: bool, message: &[u8]) {
        self.has_other_values = true;
        let items = known(message).filter(|field| field.number == 1).filter_map(|field| field.bytes().ok());
        let mut block = Vec::new();
        if is_map {
            bytes.push(kind::MAP);
            self.put_attributes(&mut block, items);
        } else {
            bytes.push(kind::ARRAY);
            items.for_each(|item| self.put_value(&mut block, item));
        }
        put_block(bytes, &block);
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
        self.put_attributes(bytes, messages(message, 3));
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
        self.put_attributes(bytes, messages(message, 4));
    }
}

/// The list of the span before, so that its memory is used again.
fn emptied<'a>(list: &mut Vec<&'a [u8]>) -> Vec<&'a [u8]> {
    let mut list = std::mem::take(list);
    list.clear();
    list
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

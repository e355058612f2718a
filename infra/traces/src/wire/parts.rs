//! Spans taken apart, as checking them leaves them: what a request says, in place.

use std::ops::Range;

/// The lists of many spans, each behind the one before, so that a span takes no memory of its own.
#[derive(Debug, Default)]
pub(crate) struct Parts<'a> {
    pub(crate) pairs: Vec<Pair<'a>>,
    /// Messages, that were checked.
    pub(crate) events: Vec<&'a [u8]>,
    /// As above.
    pub(crate) links: Vec<&'a [u8]>,
}

/// A span. Texts are UTF-8; ids are as long as they should be and not zero.
#[derive(Clone, Debug, Default)]
pub(crate) struct Span<'a> {
    pub(crate) trace_id: [u8; 16],
    pub(crate) span_id: [u8; 8],
    pub(crate) parent: Option<[u8; 8]>,
    pub(crate) name: &'a [u8],
    pub(crate) kind: i32,
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) state: &'a [u8],
    pub(crate) flags: u32,
    /// Attributes, events, links that the sender left out.
    pub(crate) dropped: [u32; 3],
    pub(crate) status: i32,
    pub(crate) message: &'a [u8],
    /// Its part of each list.
    attributes: Range<usize>,
    events: Range<usize>,
    links: Range<usize>,
}

/// An attribute.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pair<'a> {
    pub(crate) key: &'a [u8],
    pub(crate) value: AnyValue<'a>,
}

/// An attribute's value.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum AnyValue<'a> {
    #[default]
    Empty,
    Text(&'a [u8]),
    Bool(bool),
    Int(i64),
    /// Its bits.
    Double(u64),
    /// A message whose fields 1 are values.
    Array(&'a [u8]),
    /// A message whose fields 1 are pairs.
    Map(&'a [u8]),
    Bytes(&'a [u8]),
}

impl<'a> Span<'a> {
    /// A span whose lists begin where these end.
    pub(super) fn behind(parts: &Parts<'_>) -> Self {
        let [attributes, events, links] =
            [parts.pairs.len(), parts.events.len(), parts.links.len()].map(|end| end..end);
        Self { attributes, events, links, ..Self::default() }
    }

    /// Its lists end where these do.
    pub(super) fn end_at(&mut self, parts: &Parts<'_>) {
        self.attributes.end = parts.pairs.len();
        self.events.end = parts.events.len();
        self.links.end = parts.links.len();
    }

    pub(crate) fn attributes<'p>(&self, parts: &'p Parts<'a>) -> &'p [Pair<'a>] {
        &parts.pairs[self.attributes.clone()]
    }

    pub(crate) fn events<'p>(&self, parts: &'p Parts<'a>) -> &'p [&'a [u8]] {
        &parts.events[self.events.clone()]
    }

    pub(crate) fn links<'p>(&self, parts: &'p Parts<'a>) -> &'p [&'a [u8]] {
        &parts.links[self.links.clone()]
    }
}

/// A key and a value as encoders write them: in this order, both short, and nothing else. Most are, and are read at a
/// fraction of what it takes to look at each field for what it might be.
#[inline]
pub(super) fn plain_pair(message: &[u8]) -> Option<(&[u8], &[u8])> {
    let (key, rest) = short(0x0a, message)?;
    let (value, rest) = short(0x12, rest)?;
    rest.is_empty().then_some((key, value))
}

/// The same for a value that is no list; a text has still to be looked at.
#[inline]
pub(super) fn plain_value(message: &[u8]) -> Option<AnyValue<'_>> {
    match message {
        [0x0a, ..] => short(0x0a, message).and_then(|(text, rest)| rest.is_empty().then_some(AnyValue::Text(text))),
        [0x10, byte @ 0..2] => Some(AnyValue::Bool(*byte == 1)),
        [0x18, byte @ 0..0x80] => Some(AnyValue::Int(i64::from(*byte))),
        [0x21, bits @ ..] => Some(AnyValue::Double(u64::from_le_bytes(bits.try_into().ok()?))),
        _ => None,
    }
}

/// The bytes of the field with this key, if it stands first and has fewer than 128; and what is behind it.
#[inline]
fn short(key: u8, message: &[u8]) -> Option<(&[u8], &[u8])> {
    match message {
        [first, length @ 0..0x80, rest @ ..] if *first == key => rest.split_at_checked(usize::from(*length)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{super::check, *};

    /// A field that nobody knows: what carries it isn't plain.
    const UNKNOWN: [u8; 3] = [0xa0, 0x06, 0x01];

    #[test]
    fn what_is_plain_is_read_as_what_is_not() {
        let values: [(&[u8], AnyValue<'_>); 6] = [
            (b"\x0a\x02ab", AnyValue::Text(b"ab")),
            (b"\x10\x01", AnyValue::Bool(true)),
            (b"\x10\x00", AnyValue::Bool(false)),
            (b"\x18\x7f", AnyValue::Int(127)),
            (b"\x21\0\0\0\0\0\0\xf0\x3f", AnyValue::Double(1_f64.to_bits())),
            (b"", AnyValue::Empty),
        ];
        for (message, expected) in values {
            let long = [message, &UNKNOWN].concat();
            assert_eq!(plain_value(message).is_some(), !message.is_empty(), "{message:?}");
            assert_eq!(plain_value(&long), None, "{message:?}");
            assert_eq!([check::value(message), check::value(&long)], [expected; 2], "{message:?}");

            let pair = [b"\x0a\x01k\x12", &[message.len() as u8][..], message].concat();
            let long = [&pair, &UNKNOWN[..]].concat();
            assert!(plain_pair(&pair).is_some() && plain_pair(&long).is_none(), "{message:?}");
            for pair in [check::pair(&pair), check::pair(&long)] {
                assert_eq!((pair.key, pair.value), (&b"k"[..], expected));
            }
        }
    }

    #[test]
    fn what_is_cut_short_is_not_plain() {
        for message in [&b"\x0a"[..], b"\x0a\x03ab", b"\x0a\x01k", b"\x0a\x01k\x12\x05\x0a", b"\x12\x00\x0a\x00"] {
            assert_eq!(plain_pair(message), None, "{message:?}");
        }
        for message in [&b"\x0a\x03ab"[..], b"\x10\x02", b"\x10", b"\x18\x80", b"\x21\0\0"] {
            assert_eq!(plain_value(message), None, "{message:?}");
        }
    }
}

//! Whether a message is what it should be, and whether it stays within bounds.

use super::{
    fields::{Field, Malformed, fields},
    parts::{self, AnyValue, Pair, Parts, Span},
};

/// How large parts of a span may be. A span, resource or scope beyond them is refused, not cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Attributes of a span, resource or scope; values in lists count as well. Events and links have as many.
    pub attributes: usize,
    /// How deep lists may stand in lists.
    pub depth: usize,
    /// Bytes of a text, or of a value of bytes.
    pub text: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { attributes: 1_024, depth: 16, text: 64 << 10 }
    }
}

/// Why a span is refused while others of its request are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Sixteen bytes, not all zero.
    #[error("its trace id is not 16 bytes, or is all zero")]
    TraceId,
    /// Eight bytes, not all zero.
    #[error("its span id is not 8 bytes, or is all zero")]
    SpanId,
    /// Eight bytes or none.
    #[error("its parent's span id is not 8 bytes")]
    ParentId,
    /// As above.
    #[error("a link's trace id is not 16 bytes, or its span id is not 8")]
    LinkId,
    /// See [`Limits::attributes`].
    #[error("it has too many attributes, events or links")]
    Attributes,
    /// See [`Limits::depth`].
    #[error("an attribute's value is nested too deep")]
    Depth,
    /// See [`Limits::text`].
    #[error("a text or an attribute's value is too long")]
    Text,
}

/// Either kind of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    Malformed(Malformed),
    Fault(Fault),
}

impl From<Malformed> for Trouble {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

type Checked = Result<(), Trouble>;

impl Limits {
    /// For what was checked before.
    const NONE: Self = Self { attributes: usize::MAX, depth: usize::MAX, text: usize::MAX };
}

/// The pair in a message that was checked before.
pub(crate) fn pair(message: &[u8]) -> Pair<'_> {
    Check::new(&Limits::NONE).pair(message, 0).unwrap_or_default()
}

/// The value in a message that was checked before.
pub(crate) fn value(message: &[u8]) -> AnyValue<'_> {
    Check::new(&Limits::NONE).value(message, 0).unwrap_or_default()
}

/// Checks one span, resource or scope. What is counted is counted over all of it.
#[derive(Debug)]
pub(super) struct Check<'l> {
    limits: &'l Limits,
    counted: usize,
}

impl<'l> Check<'l> {
    pub(super) fn new(limits: &'l Limits) -> Self {
        Self { limits, counted: 0 }
    }

    /// Takes a span apart; what it is a list of goes behind what `parts` has.
    pub(super) fn span<'a>(mut self, message: &'a [u8], parts: &mut Parts<'a>) -> Result<Span<'a>, Trouble> {
        let mut span = Span::behind(parts);
        let (mut trace_id, mut span_id, mut parent) = (&[][..], &[][..], &[][..]);
        for field in fields(message) {
            let field = field?;
            match field.number {
                1 => trace_id = field.bytes()?,
                2 => span_id = field.bytes()?,
                3 => span.state = self.text(&field)?,
                4 => parent = field.bytes()?,
                5 => span.name = self.text(&field)?,
                6 => span.kind = field.varint()? as i32,
                7 => span.start = field.fixed64()?,
                8 => span.end = field.fixed64()?,
                9 => parts.pairs.push(self.pair(field.bytes()?, 0)?),
                10 => span.dropped[0] = field.varint()? as u32,
                11 => parts.events.push(self.event(field.bytes()?)?),
                12 => span.dropped[1] = field.varint()? as u32,
                13 => parts.links.push(self.link(field.bytes()?)?),
                14 => span.dropped[2] = field.varint()? as u32,
                15 => (span.status, span.message) = self.status(field.bytes()?)?,
                16 => span.flags = field.fixed32()?,
                _ => {}
            }
        }
        span.trace_id = trace_id.try_into().ok().filter(|id| *id != [0; 16]).ok_or(Fault::TraceId)?;
        span.span_id = span_id.try_into().ok().filter(|id| *id != [0; 8]).ok_or(Fault::SpanId)?;
        span.parent = match parent {
            [] => None,
            _ => Some(parent.try_into().map_err(|_| Fault::ParentId)?).filter(|id| *id != [0; 8]),
        };
        span.end_at(parts);
        Ok(span)
    }

    pub(super) fn resource(mut self, message: &[u8]) -> Checked {
        for field in fields(message) {
            let field = field?;
            match field.number {
                1 => _ = self.pair(field.bytes()?, 0)?,
                2 => _ = field.varint()?,
                3 => entity(field.bytes()?)?,
                _ => {}
            }
        }
        Ok(())
    }

    pub(super) fn scope(mut self, message: &[u8]) -> Checked {
        for field in fields(message) {
            let field = field?;
            match field.number {
                1 | 2 => _ = self.text(&field)?,
                3 => _ = self.pair(field.bytes()?, 0)?,
                4 => _ = field.varint()?,
                _ => {}
            }
        }
        Ok(())
    }

    fn event<'a>(&mut self, message: &'a [u8]) -> Result<&'a [u8], Trouble> {
        self.count()?;
        for field in fields(message) {
            let field = field?;
            match field.number {
                1 => _ = field.fixed64()?,
                2 => _ = self.text(&field)?,
                3 => _ = self.pair(field.bytes()?, 0)?,
                4 => _ = field.varint()?,
                _ => {}
            }
        }
        Ok(message)
    }

    fn link<'a>(&mut self, message: &'a [u8]) -> Result<&'a [u8], Trouble> {
        self.count()?;
        let (mut trace_id, mut span_id) = (0, 0);
        for field in fields(message) {
            let field = field?;
            match field.number {
                1 => trace_id = field.bytes()?.len(),
                2 => span_id = field.bytes()?.len(),
                3 => _ = self.text(&field)?,
                4 => _ = self.pair(field.bytes()?, 0)?,
                5 => _ = field.varint()?,
                6 => _ = field.fixed32()?,
                _ => {}
            }
        }
        if matches!(trace_id, 0 | 16) && matches!(span_id, 0 | 8) { Ok(message) } else { Err(Fault::LinkId.into()) }
    }

    /// Its code and message.
    fn status<'a>(&mut self, message: &'a [u8]) -> Result<(i32, &'a [u8]), Trouble> {
        let (mut code, mut text) = (0, &[][..]);
        for field in fields(message) {
            let field = field?;
            match field.number {
                2 => text = self.text(&field)?,
                3 => code = field.varint()? as i32,
                _ => {}
            }
        }
        Ok((code, text))
    }

    fn pair<'a>(&mut self, message: &'a [u8], depth: usize) -> Result<Pair<'a>, Trouble> {
        self.count()?;
        if let Some((key, value)) = parts::plain_pair(message) {
            return Ok(Pair { key: self.text_of(1, key)?, value: self.value(value, depth)? });
        }
        let mut pair = Pair::default();
        for field in fields(message) {
            let field = field?;
            match field.number {
                1 => pair.key = self.text(&field)?,
                2 => pair.value = self.value(field.bytes()?, depth)?,
                3 => _ = field.varint()?,
                _ => {}
            }
        }
        Ok(pair)
    }

    fn value<'a>(&mut self, message: &'a [u8], depth: usize) -> Result<AnyValue<'a>, Trouble> {
        if let Some(value) = parts::plain_value(message) {
            if let AnyValue::Text(text) = value {
                self.text_of(1, text)?;
            }
            return Ok(value);
        }
        let mut value = AnyValue::Empty;
        for field in fields(message) {
            let field = field?;
            value = match field.number {
                1 => AnyValue::Text(self.text(&field)?),
                2 => AnyValue::Bool(field.varint()? != 0),
                3 => AnyValue::Int(field.varint()? as i64),
                4 => AnyValue::Double(field.fixed64()?),
                5 | 6 if depth >= self.limits.depth => return Err(Fault::Depth.into()),
                5 => AnyValue::Array(self.list(field.bytes()?, |check, value| {
                    check.count()?;
                    check.value(value, depth + 1).map(drop)
                })?),
                6 => AnyValue::Map(self.list(field.bytes()?, |check, pair| check.pair(pair, depth + 1).map(drop))?),
                7 if field.bytes()?.len() > self.limits.text => return Err(Fault::Text.into()),
                7 => AnyValue::Bytes(field.bytes()?),
                8 => {
                    field.varint()?;
                    value
                }
                _ => value,
            }
        }
        Ok(value)
    }

    fn list<'a>(&mut self, message: &'a [u8], each: impl Fn(&mut Self, &[u8]) -> Checked) -> Result<&'a [u8], Trouble> {
        for field in fields(message) {
            let field = field?;
            if field.number == 1 {
                each(self, field.bytes()?)?;
            }
        }
        Ok(message)
    }

    /// The field's text, which is UTF-8.
    fn text<'a>(&self, field: &Field<'a>) -> Result<&'a [u8], Trouble> {
        self.text_of(field.number, field.bytes()?)
    }

    fn text_of<'a>(&self, number: u32, text: &'a [u8]) -> Result<&'a [u8], Trouble> {
        if !text.is_ascii() && std::str::from_utf8(text).is_err() {
            return Err(Malformed::Utf8(number).into());
        }
        if text.len() > self.limits.text { Err(Fault::Text.into()) } else { Ok(text) }
    }

    fn count(&mut self) -> Checked {
        self.counted += 1;
        if self.counted > self.limits.attributes { Err(Fault::Attributes.into()) } else { Ok(()) }
    }
}

/// Nothing of it is kept: it only has to be a message.
fn entity(message: &[u8]) -> Checked {
    for field in fields(message) {
        let field = field?;
        if (1..=4).contains(&field.number) {
            field.text()?;
        }
    }
    Ok(())
}

//! Whether a message is what it should be, and whether it stays within bounds.

use super::fields::{Field, Malformed, fields};

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

    pub(super) fn span(mut self, message: &[u8]) -> Checked {
        let (mut trace_id, mut span_id) = (&[][..], &[][..]);
        for field in fields(message) {
            let field = field?;
            match field.number {
                1 => trace_id = field.bytes()?,
                2 => span_id = field.bytes()?,
                3 | 5 => self.text(&field)?,
                4 if !matches!(field.bytes()?.len(), 0 | 8) => return Err(Fault::ParentId.into()),
                6 | 10 | 12 | 14 => _ = field.varint()?,
                7 | 8 => _ = field.fixed64()?,
                9 => self.pair(field.bytes()?, 0)?,
                11 => self.event(field.bytes()?)?,
                13 => self.link(field.bytes()?)?,
                15 => self.status(field.bytes()?)?,
                16 => _ = field.fixed32()?,
                _ => {}
            }
        }
        if trace_id.len() != 16 || is_zero(trace_id) {
            return Err(Fault::TraceId.into());
        }
        if span_id.len() != 8 || is_zero(span_id) {
            return Err(Fault::SpanId.into());
        }
        Ok(())
    }

    pub(super) fn resource(mut self, message: &[u8]) -> Checked {
        for field in fields(message) {
            let field = field?;
            match field.number {
                1 => self.pair(field.bytes()?, 0)?,
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
                1 | 2 => self.text(&field)?,
                3 => self.pair(field.bytes()?, 0)?,
                4 => _ = field.varint()?,
                _ => {}
            }
        }
        Ok(())
    }

    fn event(&mut self, message: &[u8]) -> Checked {
        self.count()?;
        for field in fields(message) {
            let field = field?;
            match field.number {
                1 => _ = field.fixed64()?,
                2 => self.text(&field)?,
                3 => self.pair(field.bytes()?, 0)?,
                4 => _ = field.varint()?,
                _ => {}
            }
        }
        Ok(())
    }

    fn link(&mut self, message: &[u8]) -> Checked {
        self.count()?;
        let (mut trace_id, mut span_id) = (0, 0);
        for field in fields(message) {
            let field = field?;
            match field.number {
                1 => trace_id = field.bytes()?.len(),
                2 => span_id = field.bytes()?.len(),
                3 => self.text(&field)?,
                4 => self.pair(field.bytes()?, 0)?,
                5 => _ = field.varint()?,
                6 => _ = field.fixed32()?,
                _ => {}
            }
        }
        if matches!(trace_id, 0 | 16) && matches!(span_id, 0 | 8) { Ok(()) } else { Err(Fault::LinkId.into()) }
    }

    fn status(&mut self, message: &[u8]) -> Checked {
        for field in fields(message) {
            let field = field?;
            match field.number {
                2 => self.text(&field)?,
                3 => _ = field.varint()?,
                _ => {}
            }
        }
        Ok(())
    }

    fn pair(&mut self, message: &[u8], depth: usize) -> Checked {
        self.count()?;
        for field in fields(message) {
            let field = field?;
            match field.number {
                1 => self.text(&field)?,
                2 => self.value(field.bytes()?, depth)?,
                3 => _ = field.varint()?,
                _ => {}
            }
        }
        Ok(())
    }

    fn value(&mut self, message: &[u8], depth: usize) -> Checked {
        for field in fields(message) {
            let field = field?;
            match field.number {
                1 => self.text(&field)?,
                2 | 3 => _ = field.varint()?,
                4 => _ = field.fixed64()?,
                5 | 6 if depth >= self.limits.depth => return Err(Fault::Depth.into()),
                5 => self.list(field.bytes()?, |check, value| {
                    check.count()?;
                    check.value(value, depth + 1)
                })?,
                6 => self.list(field.bytes()?, |check, pair| check.pair(pair, depth + 1))?,
                7 if field.bytes()?.len() > self.limits.text => return Err(Fault::Text.into()),
                8 => _ = field.varint()?,
                _ => {}
            }
        }
        Ok(())
    }

    fn list(&mut self, message: &[u8], each: impl Fn(&mut Self, &[u8]) -> Checked) -> Checked {
        for field in fields(message) {
            let field = field?;
            if field.number == 1 {
                each(self, field.bytes()?)?;
            }
        }
        Ok(())
    }

    fn text(&self, field: &Field<'_>) -> Checked {
        match field.text()?.len() > self.limits.text {
            true => Err(Fault::Text.into()),
            false => Ok(()),
        }
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

fn is_zero(id: &[u8]) -> bool {
    id.iter().all(|byte| *byte == 0)
}

//! Protobuf's wire format, one field after the other, without a copy.
//!
//! See <https://protobuf.dev/programming-guides/encoding/>. Groups don't occur in `proto3` and are refused.

/// Why bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// A field is longer than what is left.
    #[error("a field goes on behind the end of its message")]
    Truncated,
    /// A number of more than ten bytes, or of more than 64 bits.
    #[error("a variable-length number is too long")]
    Varint,
    /// A group, or a wire type that doesn't exist.
    #[error("a field has the wire type {0}")]
    WireType(u8),
    /// Field numbers start at 1 and have 29 bits.
    #[error("a field has an impossible number")]
    Number,
    /// A known field is encoded as something else.
    #[error("field {0} is not encoded as its type is")]
    Type(u32),
    /// Text has to be UTF-8.
    #[error("field {0} is no UTF-8")]
    Utf8(u32),
}

/// A field's value, as much as the wire tells of its type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    Bytes(&'a [u8]),
}

/// A number and its value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Field<'a> {
    pub(crate) number: u32,
    pub(crate) value: Value<'a>,
}

impl<'a> Field<'a> {
    /// A message, bytes, or text that is checked elsewhere.
    pub(crate) fn bytes(&self) -> Result<&'a [u8], Malformed> {
        match self.value {
            Value::Bytes(bytes) => Ok(bytes),
            _ => Err(Malformed::Type(self.number)),
        }
    }

    pub(crate) fn text(&self) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Malformed::Utf8(self.number))
    }

    pub(crate) fn varint(&self) -> Result<u64, Malformed> {
        match self.value {
            Value::Varint(number) => Ok(number),
            _ => Err(Malformed::Type(self.number)),
        }
    }

    pub(crate) fn fixed64(&self) -> Result<u64, Malformed> {
        match self.value {
            Value::Fixed64(number) => Ok(number),
            _ => Err(Malformed::Type(self.number)),
        }
    }

    pub(crate) fn fixed32(&self) -> Result<u32, Malformed> {
        match self.value {
            Value::Fixed32(number) => Ok(number),
            _ => Err(Malformed::Type(self.number)),
        }
    }
}

/// The fields of a message, in the order they stand. After an error comes nothing more.
pub(crate) fn fields(message: &[u8]) -> Fields<'_> {
    Fields { rest: message }
}

#[derive(Clone, Debug)]
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, Malformed>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

impl<'a> Fields<'a> {
    #[inline(always)]
    fn field(&mut self) -> Result<Field<'a>, Malformed> {
        let key = u32::try_from(self.varint()?).map_err(|_| Malformed::Number)?;
        let number = key >> 3;
        if number == 0 {
            return Err(Malformed::Number);
        }
        let value = match (key & 7) as u8 {
            0 => Value::Varint(self.varint()?),
            1 => Value::Fixed64(u64::from_le_bytes(self.array()?)),
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| Malformed::Truncated)?;
                Value::Bytes(self.take(length)?)
            }
            5 => Value::Fixed32(u32::from_le_bytes(self.array()?)),
            other => return Err(Malformed::WireType(other)),
        };
        Ok(Field { number, value })
    }

    #[inline]
    fn varint(&mut self) -> Result<u64, Malformed> {
        match self.rest {
            [byte, rest @ ..] if *byte < 0x80 => {
                self.rest = rest;
                Ok(u64::from(*byte))
            }
            // Lengths of spans.
            [low, high, rest @ ..] if *high < 0x80 => {
                self.rest = rest;
                Ok(u64::from(low & 0x7f) | u64::from(*high) << 7)
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Result<u64, Malformed> {
        let mut number = 0;
        for (place, byte) in self.rest.iter().enumerate().take(10) {
            if place == 9 && *byte > 1 {
                return Err(Malformed::Varint);
            }
            number |= u64::from(byte & 0x7f) << (7 * place);
            if *byte < 0x80 {
                self.rest = &self.rest[place + 1..];
                return Ok(number);
            }
        }
        Err(if self.rest.len() < 10 { Malformed::Truncated } else { Malformed::Varint })
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Malformed::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(Malformed::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wire_type_is_read() {
        let bytes = [0x08, 0x96, 0x01, 0x11, 1, 0, 0, 0, 0, 0, 0, 0, 0x1a, 2, b'a', b'b', 0x25, 7, 0, 0, 0];
        let read: Vec<_> = fields(&bytes).map(Result::unwrap).collect();
        let field = |number, value| Field { number, value };
        assert_eq!(
            read,
            [
                field(1, Value::Varint(150)),
                field(2, Value::Fixed64(1)),
                field(3, Value::Bytes(b"ab")),
                field(4, Value::Fixed32(7)),
            ]
        );
    }

    #[test]
    fn what_is_no_message_is_refused() {
        for (bytes, fault) in [
            (&[0x08][..], Malformed::Truncated),
            (&[0x0a, 5, 1], Malformed::Truncated),
            (&[0x09, 1, 2], Malformed::Truncated),
            (&[0x0b], Malformed::WireType(3)),
            (&[0x0f], Malformed::WireType(7)),
            (&[0x00, 0x00], Malformed::Number),
            (&[0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02], Malformed::Varint),
            (&[0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], Malformed::Truncated),
        ] {
            assert_eq!(fields(bytes).last(), Some(Err(fault)), "{bytes:?}");
        }
    }
}

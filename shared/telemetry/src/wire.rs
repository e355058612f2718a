//! As much of the Protocol Buffers wire format as a span needs: fields with numbers below 16 and three wire types.
//! <https://protobuf.dev/programming-guides/encoding/>

/// The length of a number as a varint: 7 bits a byte.
pub(crate) fn len_varint(number: u64) -> usize {
    let bits = 64 - (number | 1).leading_zeros() as usize;
    bits.div_ceil(7)
}

/// The length of a field that holds this many bytes, with its tag and length.
pub(crate) fn len_delimited(bytes: usize) -> usize {
    1 + len_varint(bytes as u64) + bytes
}

/// Writing fields. A field's number must be below 16.
pub(crate) trait Wire {
    fn varint(&mut self, number: u64);
    /// The head of a field that holds `len` bytes, which must follow.
    fn head(&mut self, field: u8, len: usize);
    fn bytes(&mut self, field: u8, bytes: &[u8]);
    fn text(&mut self, field: u8, text: &str);
    fn number(&mut self, field: u8, number: u64);
    fn fixed64(&mut self, field: u8, bits: u64);
    fn fixed32(&mut self, field: u16, bits: u32);
}

const VARINT: u8 = 0;
const FIXED64: u8 = 1;
const DELIMITED: u8 = 2;
const FIXED32: u8 = 5;

impl Wire for Vec<u8> {
    fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.push(number as u8);
    }

    fn head(&mut self, field: u8, len: usize) {
        self.push(field << 3 | DELIMITED);
        self.varint(len as u64);
    }

    fn bytes(&mut self, field: u8, bytes: &[u8]) {
        self.head(field, bytes.len());
        self.extend_from_slice(bytes);
    }

    fn text(&mut self, field: u8, text: &str) {
        self.bytes(field, text.as_bytes());
    }

    fn number(&mut self, field: u8, number: u64) {
        self.push(field << 3 | VARINT);
        self.varint(number);
    }

    fn fixed64(&mut self, field: u8, bits: u64) {
        self.push(field << 3 | FIXED64);
        self.extend_from_slice(&bits.to_le_bytes());
    }

    /// The one field with a number above 15, a span's flags, is of this type.
    fn fixed32(&mut self, field: u16, bits: u32) {
        self.varint(u64::from(field) << 3 | u64::from(FIXED32));
        self.extend_from_slice(&bits.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_varint_is_as_long_as_it_is_said_to_be(number: u64, shift in 0u32..64) {
            let mut written = Vec::new();
            written.varint(number >> shift);
            prop_assert_eq!(written.len(), len_varint(number >> shift));
        }
    }
}

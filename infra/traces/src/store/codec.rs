//! Numbers as chunks hold them: seven bits a byte, the least first.

pub(super) fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// A number with a sign, small ones in few bytes whichever sign they have.
pub(super) fn put_signed(bytes: &mut Vec<u8>, number: i64) {
    put(bytes, (number << 1 ^ number >> 63) as u64);
}

/// Reads what was put. Chunks are written by this program alone and never leave it, so that a read can't fail; behind
/// the end there are zeros.
#[derive(Clone, Debug)]
pub(super) struct Cursor<'c>(&'c [u8]);

impl<'c> Cursor<'c> {
    pub(super) fn at(bytes: &'c [u8], offset: u32) -> Self {
        Self(bytes.get(offset as usize..).unwrap_or_default())
    }

    #[inline]
    pub(super) fn number(&mut self) -> u64 {
        let mut number = 0;
        let mut shift = 0;
        while let [byte, rest @ ..] = self.0 {
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << (shift & 63);
            if *byte < 0x80 {
                break;
            }
            shift += 7;
        }
        number
    }

    pub(super) fn signed(&mut self) -> i64 {
        let number = self.number();
        (number >> 1) as i64 ^ -((number & 1) as i64)
    }

    pub(super) fn byte(&mut self) -> u8 {
        self.array::<1>()[0]
    }

    pub(super) fn array<const N: usize>(&mut self) -> [u8; N] {
        match self.0.split_first_chunk() {
            Some((array, rest)) => {
                self.0 = rest;
                *array
            }
            None => [0; N],
        }
    }

    pub(super) fn take(&mut self, length: usize) -> &'c [u8] {
        let (taken, rest) = self.0.split_at_checked(length).unwrap_or((self.0, &[]));
        self.0 = rest;
        taken
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A block that begins with its length.
    pub(super) fn block(&mut self) -> Self {
        let length = self.number() as usize;
        Self(self.take(length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() {
        let numbers = [0, 1, -1, 63, -64, 64, 1 << 40, i64::MAX, i64::MIN];
        let mut bytes = Vec::new();
        for number in numbers {
            put_signed(&mut bytes, number);
            put(&mut bytes, number as u64);
        }
        let mut cursor = Cursor::at(&bytes, 0);
        for number in numbers {
            assert_eq!((cursor.signed(), cursor.number()), (number, number as u64));
        }
        assert_eq!((cursor.number(), cursor.array::<4>()), (0, [0; 4]));
    }
}

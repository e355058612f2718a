//! Writes protobuf's wire format.

/// A message that is being written.
#[derive(Debug, Default)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn finish(self) -> Vec<u8> {
        self.0
    }

    pub(crate) fn varint(&mut self, number: u32, value: u64) {
        self.key(number, 0);
        self.raw(value);
    }

    pub(crate) fn fixed64(&mut self, number: u32, value: u64) {
        self.key(number, 1);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn fixed32(&mut self, number: u32, value: u32) {
        self.key(number, 5);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn bytes(&mut self, number: u32, value: &[u8]) {
        self.key(number, 2);
        self.raw(value.len() as u64);
        self.0.extend_from_slice(value);
    }

    /// A message within this one.
    pub(crate) fn message(&mut self, number: u32, write: impl FnOnce(&mut Self)) {
        let mut inner = Self::default();
        write(&mut inner);
        self.bytes(number, &inner.0);
    }

    fn key(&mut self, number: u32, wire_type: u32) {
        self.raw(u64::from(number << 3 | wire_type));
    }

    fn raw(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

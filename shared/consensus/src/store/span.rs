//! Which keys a request means.

/// The keys of a request, read from its `key` and `range_end`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Span<'a> {
    /// One key: the range's end is empty.
    One(&'a [u8]),
    /// This key and all above it: the range's end is a single zero byte.
    From(&'a [u8]),
    /// From the first key up to, not including, the second. Nothing, where the second isn't above the first.
    Between(&'a [u8], &'a [u8]),
}

impl<'a> Span<'a> {
    /// Reads the two fields of a request.
    pub fn new(key: &'a [u8], range_end: &'a [u8]) -> Self {
        match range_end {
            [] => Self::One(key),
            [0] => Self::From(key),
            end => Self::Between(key, end),
        }
    }

    /// Whether a key is meant.
    pub fn contains(&self, key: &[u8]) -> bool {
        match *self {
            Self::One(one) => one == key,
            Self::From(first) => first <= key,
            Self::Between(first, end) => first <= key && key < end,
        }
    }
}

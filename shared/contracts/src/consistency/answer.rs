//! What an answer says of itself.

use std::time::Duration;

use super::Copy;

/// A value that was read, and what its answer says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer<T> {
    /// What was read.
    pub value: T,
    /// How it was served.
    pub served: Served,
}

/// Something that was written, or found to be written already, with the position of that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written<T> {
    /// What.
    pub value: T,
    /// Whoever sees everything before or at this position sees it.
    pub position: u64,
}

/// How a value was served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Served {
    /// Where it comes from.
    pub by: Copy,
    /// Every write before or at this position is in it.
    pub sees: u64,
    /// The position of the newest write that it shows; 0 where it shows none, as of what is not there.
    pub shows: u64,
    /// It is no older than this.
    pub age: Duration,
}

impl<T> Written<T> {
    /// Something at a position.
    pub fn new(value: T, position: u64) -> Self {
        Self { value, position }
    }

    /// The same position with something made of its value.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Written<U> {
        Written { value: make(self.value), position: self.position }
    }
}

impl<T> Answer<T> {
    /// The same answer with something made of its value.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Answer<U> {
        Answer { value: make(self.value), served: self.served }
    }
}

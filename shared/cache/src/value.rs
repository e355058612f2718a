//! Values as they are loaded and as they are given out.

use std::sync::Arc;

use crate::Stamp;

/// What a loader has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded<V> {
    /// The value, or that there is none.
    pub value: Option<V>,
    /// How new it is.
    pub stamp: Stamp,
    /// Whether it was read from a copy that may lack changes which others were told of, as a replica may.
    pub lags: bool,
}

/// A value as a reader has it.
#[derive(Debug)]
pub struct Cached<V> {
    /// The value, or that there is none.
    pub value: Option<Arc<V>>,
    /// How new it is.
    pub stamp: Stamp,
    /// Where it comes from.
    pub source: Source,
}

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The cache in this process.
    Near,
    /// memcached.
    Cache,
    /// memcached, and it is out of date or has expired: it is being loaded anew.
    Stale,
    /// What another reader in this process has just read or loaded.
    Shared,
    /// The reader's own load.
    Loaded,
}

impl Source {
    /// Whether it was cached: neither loaded by this reader nor by one it waited for.
    pub fn is_cache(self) -> bool {
        matches!(self, Self::Near | Self::Cache | Self::Stale)
    }
}

// Not derived, as that would ask for a value that can be cloned.
impl<V> Clone for Cached<V> {
    fn clone(&self) -> Self {
        Self { value: self.value.clone(), ..*self }
    }
}

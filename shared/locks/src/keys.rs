//! What is locked.

use std::{fmt, sync::Arc};

/// One or more things that are locked together: sorted, each once. Clones share them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Keys(Arc<[Box<str>]>);

/// No keys at all: nothing to lock, which is a mistake of the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a lock takes at least one key")]
pub struct NoKeys;

impl Keys {
    /// These, in whatever order and however often each is named.
    ///
    /// # Errors
    /// There is none.
    pub fn new(keys: impl IntoIterator<Item = impl Into<String>>) -> Result<Self, NoKeys> {
        let mut keys: Vec<Box<str>> = keys.into_iter().map(|key| key.into().into_boxed_str()).collect();
        keys.sort_unstable();
        keys.dedup();
        if keys.is_empty() { Err(NoKeys) } else { Ok(Self(keys.into())) }
    }

    /// One alone.
    pub fn one(key: impl Into<String>) -> Self {
        Self(Arc::new([key.into().into_boxed_str()]))
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Each once, sorted.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|key| &**key)
    }

    /// Whether this is one of them.
    pub fn contains(&self, key: &str) -> bool {
        self.0.binary_search_by(|own| (**own).cmp(key)).is_ok()
    }
}

impl fmt::Display for Keys {
    /// The first few.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0[0])?;
        match self.count() {
            1 => Ok(()),
            count => write!(f, " and {} more", count - 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sorted_and_each_is_there_once() {
        let keys = Keys::new(["b", "a", "b"]).unwrap();
        assert_eq!(keys.iter().collect::<Vec<_>>(), ["a", "b"]);
        assert!(keys.contains("b") && !keys.contains("c"));
        assert_eq!((keys.to_string(), Keys::one("x").to_string()), ("a and 1 more".to_owned(), "x".to_owned()));
        assert_eq!(Keys::new(Vec::<String>::new()), Err(NoKeys));
    }
}

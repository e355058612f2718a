//! How what is cached is kept as it is in the database.

use std::{fmt, str::FromStr};

use coordination::settings::Choice;

/// What becomes of a cached value when it is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Policy {
    /// Nothing is cached: every read is a load.
    Off,
    /// Cache-aside: after the commit the entry is known to be out of date, and the next reader loads it.
    #[default]
    Aside,
    /// After the commit the entry is replaced by what was written.
    WriteThrough,
}

/// Each by its word.
const WORDS: &[(&str, Policy)] =
    &[("off", Policy::Off), ("aside", Policy::Aside), ("write-through", Policy::WriteThrough)];

/// A word that names no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no way to cache: off, aside, write-through")]
pub struct NoPolicy(String);

impl Policy {
    /// Each of them, in the order in which they are declared.
    pub const ALL: [Self; 3] = [Self::Off, Self::Aside, Self::WriteThrough];

    /// The shape of a live setting that chooses one, by default `aside`.
    pub fn setting() -> Choice<Self> {
        Choice { default: Self::default().word(), words: WORDS }
    }

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Aside => "aside",
            Self::WriteThrough => "write-through",
        }
    }
}

impl FromStr for Policy {
    type Err = NoPolicy;

    fn from_str(text: &str) -> Result<Self, NoPolicy> {
        let found = WORDS.iter().find(|(word, _)| *word == text);
        found.map(|(_, policy)| *policy).ok_or_else(|| NoPolicy(text.to_owned()))
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_policy_is_read_back_from_its_word() {
        assert_eq!(Policy::ALL.as_slice(), WORDS.iter().map(|(_, policy)| *policy).collect::<Vec<_>>());
        for (word, policy) in WORDS {
            assert_eq!((policy.to_string().as_str(), word.parse::<Policy>()), (*word, Ok(*policy)));
        }
        assert_eq!(Policy::setting().default, "aside");
        assert!("Aside".parse::<Policy>().is_err());
    }
}

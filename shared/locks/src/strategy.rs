//! The ways to lock.

use std::{fmt, str::FromStr};

use coordination::settings::Choice;

/// A way to lock. What each guarantees, and how it fails, stands in the crate's documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Strategy {
    /// No lock: the guard guards nothing.
    None,
    /// One Redis server, without a token.
    Redis,
    /// One Redis server, with a fencing token.
    #[default]
    RedisFenced,
    /// Most of several independent Redis servers, without a token.
    Redlock,
    /// The caller's own transaction locks the rows; the guard only says so.
    Database,
    /// The coordinators, with a fencing token.
    Coordination,
}

/// Each by its word.
const WORDS: &[(&str, Strategy)] = &[
    ("none", Strategy::None),
    ("redis", Strategy::Redis),
    ("redis-fenced", Strategy::RedisFenced),
    ("redlock", Strategy::Redlock),
    ("database", Strategy::Database),
    ("coordination", Strategy::Coordination),
];

/// A word that names no strategy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no way to lock: none, redis, redis-fenced, redlock, database, coordination")]
pub struct NoStrategy(String);

impl Strategy {
    /// Each of them, in the order in which they are declared.
    pub const ALL: [Self; 6] =
        [Self::None, Self::Redis, Self::RedisFenced, Self::Redlock, Self::Database, Self::Coordination];

    /// The shape of a live setting that chooses one, by default `redis-fenced`.
    pub fn setting() -> Choice<Self> {
        Choice { default: Self::default().word(), words: WORDS }
    }

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Redis => "redis",
            Self::RedisFenced => "redis-fenced",
            Self::Redlock => "redlock",
            Self::Database => "database",
            Self::Coordination => "coordination",
        }
    }

    /// Whether its guards have a token.
    pub fn is_fenced(self) -> bool {
        matches!(self, Self::RedisFenced | Self::Coordination)
    }

    /// Whether it takes anything anywhere.
    pub(crate) fn takes(self) -> bool {
        !matches!(self, Self::None | Self::Database)
    }
}

impl FromStr for Strategy {
    type Err = NoStrategy;

    fn from_str(text: &str) -> Result<Self, NoStrategy> {
        let found = WORDS.iter().find(|(word, _)| *word == text);
        found.map(|(_, strategy)| *strategy).ok_or_else(|| NoStrategy(text.to_owned()))
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_strategy_is_read_back_from_its_word() {
        assert!((0..).zip(Strategy::ALL).all(|(place, strategy)| place == strategy as usize));
        assert_eq!(Strategy::ALL.as_slice(), WORDS.iter().map(|(_, strategy)| *strategy).collect::<Vec<_>>());
        for (word, strategy) in WORDS {
            assert_eq!((strategy.to_string().as_str(), word.parse::<Strategy>()), (*word, Ok(*strategy)));
        }
        assert_eq!(Strategy::setting().default, "redis-fenced");
        assert!("Redis".parse::<Strategy>().is_err());
    }
}

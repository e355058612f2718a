//! The levels of consistency.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How new the answer to a read has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// It shows every write that was acknowledged before the request began, whoever made it.
    Strong,
    /// It shows every write of the caller's session.
    Session,
    /// It shows every write of the caller's session, and nothing older than the session has seen.
    Monotonic,
    /// It is as old as a copy may be.
    Eventual,
}

/// Text that names no level.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no level of consistency: there are strong, session, monotonic and eventual")]
pub struct InvalidLevel(String);

impl Level {
    /// Every level, the strictest first.
    pub const ALL: [Self; 4] = [Self::Strong, Self::Session, Self::Monotonic, Self::Eventual];

    /// Its name, as the header has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Strong => "strong",
            Self::Session => "session",
            Self::Monotonic => "monotonic",
            Self::Eventual => "eventual",
        }
    }
}

impl FromStr for Level {
    type Err = InvalidLevel;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let level = Self::ALL.into_iter().find(|level| level.as_str() == text);
        level.ok_or_else(|| InvalidLevel(text.to_owned()))
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_written_as_they_are_read() {
        for level in Level::ALL {
            assert_eq!(level.to_string().parse(), Ok(level));
            assert_eq!(serde_json::to_value(level).unwrap(), level.as_str());
        }
        for text in ["", "Strong", "strong ", "linearizable", "eventual, strong"] {
            let refused = text.parse::<Level>().unwrap_err().to_string();
            assert!(refused.contains(&format!("{text:?}")) && refused.contains("monotonic and eventual"), "{refused}");
        }
    }
}

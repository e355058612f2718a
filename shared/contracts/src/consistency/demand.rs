//! What a read asks of the copies that could answer it.

use super::{Level, Token};

/// What a read asks of the copies that could answer it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demand {
    /// How new the answer has to be.
    pub level: Level,
    /// What the caller's session has written and seen, where it is known.
    pub token: Option<Token>,
}

impl Demand {
    /// A read at a level, of a session or of nobody's.
    pub fn new(level: Level, token: Option<Token>) -> Self {
        Self { level, token }
    }

    /// Up to where a copy must have seen every write for it to answer; `None` where none but the primary may.
    pub fn position(&self) -> Option<u64> {
        let token = self.token.unwrap_or_default();
        match self.level {
            Level::Strong => None,
            Level::Session => Some(token.written),
            Level::Monotonic => Some(token.written.max(token.read)),
            Level::Eventual => Some(0),
        }
    }

    /// Whether it is the age of a copy that counts: nothing else says how new the answer has to be.
    pub fn is_by_age(&self) -> bool {
        self.position() == Some(0)
    }

    /// The token that goes with an answer whose newest write is at `shows`. A read that names neither a session nor a level
    /// that needs one has none.
    pub fn answered(&self, shows: u64) -> Option<Token> {
        let wanted = self.level != Level::Eventual || self.token.is_some();
        wanted.then(|| self.token.unwrap_or_default().merge(Token { written: 0, read: shows }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: Token = Token { written: 5, read: 9 };

    #[test]
    fn a_session_asks_for_what_it_wrote_and_monotonic_for_what_it_read_too() {
        let position = |level| Demand::new(level, Some(TOKEN)).position();
        assert_eq!(Level::ALL.map(position), [None, Some(5), Some(9), Some(0)]);
        let unwritten = Demand::new(Level::Session, Some(Token { written: 0, read: 9 }));
        assert!(unwritten.is_by_age());
        assert!(!Demand::new(Level::Monotonic, Some(TOKEN)).is_by_age());
        for level in [Level::Session, Level::Monotonic, Level::Eventual] {
            assert!(Demand::new(level, None).is_by_age(), "{level} without a token");
        }
    }

    #[test]
    fn an_answer_moves_what_was_read_and_begins_a_session() {
        let answered = |level, token| Demand::new(level, token).answered(12);
        for level in Level::ALL {
            assert_eq!(answered(level, Some(TOKEN)), Some(Token { written: 5, read: 12 }));
        }
        assert_eq!(answered(Level::Monotonic, None), Some(Token { written: 0, read: 12 }));
        assert_eq!(answered(Level::Eventual, None), None);
        assert_eq!(Demand::new(Level::Session, Some(TOKEN)).answered(3), Some(TOKEN), "nothing goes back");
    }
}

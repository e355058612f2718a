//! Free text that callers give.

/// Why a text is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum InvalidText {
    /// Nothing in it can be seen.
    #[error("must not be blank")]
    Blank,
    /// It has too many characters.
    #[error("must have at most {most} characters, has {length}")]
    TooLong {
        /// Characters it may have.
        most: usize,
        /// Characters it has.
        length: usize,
    },
    /// It holds a control character; PostgreSQL keeps no NUL, and nobody wants the others in a name.
    #[error("must not hold control characters, holds {found:?}")]
    Control {
        /// The first such character.
        found: char,
    },
}

/// Checks that `text` has 1 to `most` characters, none of them a control character, and is not blank.
pub(super) fn check(text: &str, most: usize) -> Result<(), InvalidText> {
    if let Some(found) = text.chars().find(|c| c.is_control()) {
        return Err(InvalidText::Control { found });
    }
    if text.trim().is_empty() {
        return Err(InvalidText::Blank);
    }
    match text.chars().count() {
        length if length > most => Err(InvalidText::TooLong { most, length }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_characters_and_refuses_what_can_not_be_seen() {
        assert_eq!(check("é".repeat(5).as_str(), 5), Ok(()));
        assert_eq!(check("123456", 5), Err(InvalidText::TooLong { most: 5, length: 6 }));
        assert_eq!(check("", 5), Err(InvalidText::Blank));
        assert_eq!(check(" \u{a0}", 5), Err(InvalidText::Blank));
        assert_eq!(check("a\0b", 5), Err(InvalidText::Control { found: '\0' }));
        assert_eq!(check("\n", 5), Err(InvalidText::Control { found: '\n' }));
    }
}

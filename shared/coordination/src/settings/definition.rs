//! What a setting may be.

use serde::{Deserialize, Serialize};

use crate::Name;

/// A setting as a service defines it, and publishes it for whoever sets it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Definition {
    /// Its name.
    pub name: Name,
    /// What it may be.
    #[serde(flatten)]
    pub kind: Kind,
    /// What it is while nobody has set it, as text.
    pub default: String,
    /// What it is counted in: `orders`, `ms`; empty where that makes no sense.
    pub unit: String,
    /// What it does, for people.
    pub help: String,
}

/// What values a setting takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Kind {
    /// A whole number.
    Integer {
        /// The least.
        least: i64,
        /// The most.
        most: i64,
    },
    /// A time, written as whole milliseconds.
    Milliseconds {
        /// The least.
        least: u64,
        /// The most.
        most: u64,
    },
    /// A number from 0 to 1.
    Ratio,
    /// One of some words.
    Choice {
        /// The words.
        words: Vec<String>,
    },
    /// `true` or `false`.
    Flag,
}

/// A value that a definition does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} is not allowed: it takes {allowed}")]
pub struct Refusal {
    /// The value.
    pub value: String,
    /// What would be allowed.
    pub allowed: String,
}

impl Kind {
    /// Whether a text is a value of this kind.
    ///
    /// # Errors
    /// It is not; the error tells what is.
    pub fn check(&self, text: &str) -> Result<(), Refusal> {
        self.parse(text).map(drop)
    }

    /// The value as one word of memory: a number, the bits of a ratio, the place of a word among the words, 0 or 1.
    pub(super) fn parse(&self, text: &str) -> Result<u64, Refusal> {
        let bits = match self {
            Self::Integer { least, most } => {
                text.parse().ok().filter(|number| (least..=most).contains(&number)).map(i64::cast_unsigned)
            }
            Self::Milliseconds { least, most } => text.parse().ok().filter(|number| (least..=most).contains(&number)),
            // No exponents, infinities or NaN: `contains` is false of the last.
            Self::Ratio => text.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio)).map(f64::to_bits),
            Self::Choice { words } => words.iter().position(|word| word == text).map(|place| place as u64),
            Self::Flag => text.parse().ok().map(u64::from as fn(bool) -> u64),
        };
        bits.ok_or_else(|| Refusal { value: text.to_owned(), allowed: self.allowed() })
    }

    /// The text that [`parse`](Self::parse) makes this word of.
    pub(super) fn text(&self, word: u64) -> String {
        match self {
            Self::Integer { .. } => word.cast_signed().to_string(),
            Self::Milliseconds { .. } => word.to_string(),
            Self::Ratio => f64::from_bits(word).to_string(),
            Self::Choice { words } => words.get(word as usize).cloned().unwrap_or_default(),
            Self::Flag => (word != 0).to_string(),
        }
    }

    /// The word as a number, for measuring: the value, in milliseconds where it is a time; of a choice its place among
    /// the words; of a flag 0 or 1.
    pub(super) fn number(&self, word: u64) -> f64 {
        match self {
            Self::Integer { .. } => word.cast_signed() as f64,
            Self::Ratio => f64::from_bits(word),
            Self::Milliseconds { .. } | Self::Choice { .. } | Self::Flag => word as f64,
        }
    }

    /// What is allowed, for people.
    pub fn allowed(&self) -> String {
        match self {
            Self::Integer { least, most } => format!("a whole number from {least} to {most}"),
            Self::Milliseconds { least, most } => format!("whole milliseconds from {least} to {most}"),
            Self::Ratio => "a number from 0 to 1".to_owned(),
            Self::Choice { words } => format!("one of {}", words.join(", ")),
            Self::Flag => "true or false".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words() -> Kind {
        Kind::Choice { words: ["fast".to_owned(), "safe".to_owned()].to_vec() }
    }

    #[test]
    fn each_kind_takes_its_own() {
        let cases: [(Kind, &[&str], &[&str]); 5] = [
            (Kind::Integer { least: -1, most: 5 }, &["-1", "0", "5"], &["-2", "6", "1.0", "", " 1", "x"]),
            (Kind::Milliseconds { least: 1, most: 500 }, &["1", "500"], &["0", "501", "-1", "1ms"]),
            (Kind::Ratio, &["0", "1", "0.5"], &["-0.1", "1.1", "NaN", "inf", ""]),
            (words(), &["fast", "safe"], &["Fast", "", "fast,safe"]),
            (Kind::Flag, &["true", "false"], &["1", "yes", ""]),
        ];
        for (kind, good, bad) in cases {
            for text in good {
                assert_eq!(kind.text(kind.parse(text).unwrap()), *text, "{kind:?}");
            }
            for text in bad {
                assert_eq!(kind.check(text).unwrap_err().value, *text, "{kind:?}");
            }
        }
    }

    #[test]
    fn a_refusal_names_what_is_allowed() {
        let refusal = words().check("slow").unwrap_err();
        assert_eq!(refusal.to_string(), r#""slow" is not allowed: it takes one of fast, safe"#);
    }

    #[test]
    fn a_definition_is_the_same_after_its_json() {
        let name = Name::literal("relay.mode");
        let definition =
            Definition { name, kind: words(), default: "safe".into(), unit: "".into(), help: "How.".into() };
        let json = serde_json::to_string(&definition).unwrap();
        assert!(json.contains(r#""kind":"choice","words":["fast","safe"]"#), "{json}");
        assert_eq!(serde_json::from_str::<Definition>(&json).unwrap(), definition);
    }

    proptest! {
        #[test]
        fn an_integer_is_taken_within_its_range_and_nowhere_else(a: i64, b: i64, number: i64) {
            let (least, most) = (a.min(b), a.max(b));
            let parsed = Kind::Integer { least, most }.parse(&number.to_string()).ok().map(u64::cast_signed);
            prop_assert_eq!(parsed, (least <= number && number <= most).then_some(number));
        }
    }
}

//! Names of services, instances, elections and settings: parts of keys.

use std::{borrow::Cow, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The longest name, in bytes.
const LONGEST: usize = 128;

/// One part of a key: 1 to 128 ASCII letters, digits, `.`, `_`, `:` or `-`. Never a `/`, so that no name reaches into
/// another's keys.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(Cow<'static, str>);

/// A text that can be no name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no name: it takes 1 to {LONGEST} ASCII letters, digits or any of . _ : -")]
pub struct NameError(String);

impl Name {
    /// A name that stands in the source.
    ///
    /// # Panics
    /// It is none; in a constant that is an error of the compiler.
    pub const fn literal(text: &'static str) -> Self {
        assert!(is_name(text.as_bytes()), "no name: 1 to 128 ASCII letters, digits or any of . _ : -");
        Self(Cow::Borrowed(text))
    }

    /// This name, a dot and what is behind it: `order` and `relay` are `order.relay`.
    ///
    /// # Panics
    /// That is no name, or too long for one: meant for names and parts that stand in the source.
    pub fn join(&self, rest: &str) -> Self {
        let joined = format!("{self}.{rest}");
        joined.parse().expect("names in the source, and what is joined to them, are short")
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

const fn is_name(bytes: &[u8]) -> bool {
    let mut i = 0;
    while i < bytes.len() {
        if !(bytes[i].is_ascii_alphanumeric() || matches!(bytes[i], b'.' | b'_' | b':' | b'-')) {
            return false;
        }
        i += 1;
    }
    1 <= i && i <= LONGEST
}

impl TryFrom<String> for Name {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        if is_name(text.as_bytes()) { Ok(Self(Cow::Owned(text))) } else { Err(NameError(text)) }
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        text.to_owned().try_into()
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0.into_owned()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_one_part_of_a_key() {
        const RELAY: Name = Name::literal("order.relay");
        assert_eq!("order.relay".parse::<Name>().unwrap(), RELAY);
        assert_eq!(Name::literal("order").join("relay"), RELAY);
        let longest = "x".repeat(LONGEST);
        assert!(longest.parse::<Name>().is_ok());
        for text in ["", "a/b", "a b", "ä", "a\0", &format!("{longest}x")] {
            assert_eq!(text.parse::<Name>(), Err(NameError(text.to_owned())));
        }
    }

    #[test]
    fn what_is_no_name_is_refused_in_json_too() {
        assert_eq!(serde_json::from_str::<Name>(r#""a""#).unwrap(), Name::literal("a"));
        assert!(serde_json::from_str::<Name>(r#""a/b""#).is_err());
    }
}

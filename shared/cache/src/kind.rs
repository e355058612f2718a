//! What is cached, and by which keys.

use std::{
    fmt::{self, Write as _},
    marker::PhantomData,
    sync::Arc,
};

use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

/// The longest key that memcached takes, in bytes.
const LONGEST: usize = 250;
/// The longest name of a kind.
const LONGEST_NAME: usize = 64;

/// A kind of values that are cached.
pub trait Kind: Send + Sync + 'static {
    /// Its name, in keys and metrics: lower-case words, at most 64 characters.
    const NAME: &'static str;
    /// The version of how its values are written, as a part of every key: one that can't read what an older program wrote
    /// takes another number, and never finds it.
    const SCHEMA: u16;
    /// Whether they are many of which few are read, as orders are: their changes are told only where something stands, and
    /// what was read from a copy that may lag is not cached, see *Why nothing old is stored after a change*.
    const SPARSE: bool = false;
    /// What is cached.
    type Value: Serialize + DeserializeOwned + Send + Sync + 'static;

    /// The version of a value, greater with every change of it; 0 where it has none.
    fn version(_: &Self::Value) -> u64 {
        0
    }
}

/// The key of a value: any text, such as a SKU.
pub struct Key<K> {
    text: Arc<str>,
    kind: PhantomData<fn() -> K>,
}

impl<K: Kind> Key<K> {
    /// The key of this text.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        const { assert!(K::NAME.len() <= LONGEST_NAME && is_word(K::NAME), "a kind's name is a short word") };
        Self { text: text.into(), kind: PhantomData }
    }

    /// Its text.
    pub fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn shared(&self) -> Arc<str> {
        Arc::clone(&self.text)
    }

    /// The key as memcached has it: prefix, kind and schema, then the text, where what memcached takes for an end of a word
    /// is percent-encoded (RFC 3986, section 2.1). A text that is too long is replaced by its SHA-256, behind another sign.
    pub(crate) fn wire(&self, prefix: &str) -> String {
        let mut key = format!("{prefix}{}.{}:", K::NAME, K::SCHEMA);
        let begins = key.len() - 1;
        for byte in self.text.bytes() {
            match byte {
                b'!'..=b'~' if byte != b'%' => key.push(char::from(byte)),
                _ => write!(key, "%{byte:02X}").expect("a text takes all"),
            }
        }
        if key.len() > LONGEST {
            key.truncate(begins);
            key.push('#');
            for byte in Sha256::digest(self.text.as_bytes()) {
                write!(key, "{byte:02x}").expect("a text takes all");
            }
        }
        key
    }
}

/// Whether memcached takes it within a key, and it holds no sign that ends a name here.
pub(crate) const fn is_word(text: &str) -> bool {
    let (bytes, mut at) = (text.as_bytes(), 0);
    while at < bytes.len() {
        if !matches!(bytes[at], b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' | b'.' | b'/') {
            return false;
        }
        at += 1;
    }
    true
}

impl<K> Clone for Key<K> {
    fn clone(&self) -> Self {
        Self { text: Arc::clone(&self.text), kind: PhantomData }
    }
}

impl<K: Kind> fmt::Debug for Key<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", K::NAME, self.text)
    }
}

impl<K: Kind> fmt::Display for Key<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl<K> PartialEq for Key<K> {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl<K> Eq for Key<K> {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    struct Stock;

    impl Kind for Stock {
        const NAME: &'static str = "stock";
        const SCHEMA: u16 = 3;
        type Value = u32;
    }

    fn wire(text: &str) -> String {
        Key::<Stock>::new(text).wire("p/")
    }

    #[test]
    fn a_key_names_kind_schema_and_text() {
        assert_eq!(wire("85123A"), "p/stock.3:85123A");
        assert_eq!(wire("gift 0001_20%\r\n"), "p/stock.3:gift%200001_20%25%0D%0A");
        assert_eq!(wire(""), "p/stock.3:");
        let long = wire(&"x".repeat(300));
        assert!(long.starts_with("p/stock.3#") && long.len() == 10 + 64, "{long}");
    }

    proptest! {
        #[test]
        fn every_text_has_a_key_that_memcached_takes_and_no_two_share_one(a in ".{0,300}", b in ".{0,300}") {
            let [one, other] = [&a, &b].map(|text| wire(text));
            prop_assert!(one.len() <= LONGEST && one.bytes().all(|byte| (b'!'..=b'~').contains(&byte)));
            prop_assert_eq!(a == b, one == other);
        }
    }
}

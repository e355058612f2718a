//! What a session has written and seen.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::key::{Key, SEAL_BYTES};

/// The version of the form, its first byte.
const FORM: u8 = 1;
/// The form, the database cluster, and both positions.
const BODY_BYTES: usize = 1 + 3 * 8;
const BYTES: usize = BODY_BYTES + SEAL_BYTES;
/// What a seal is over, besides the body: no seal for another purpose under the same key is one for a token.
const PURPOSE: &[u8] = b"plumbline session token\0";

/// What a session has written and seen, as positions (see [the module](super)).
///
/// To a caller it is opaque: base64url (RFC 4648, section 5, without padding) of the form's version, the database cluster, the
/// positions and a seal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Token {
    /// The position of the newest of its own writes; 0 where it has none.
    pub written: u64,
    /// The position of the newest write that it was shown; 0 where it was shown none.
    pub read: u64,
}

/// Why a text is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidToken {
    /// Not what a token looks like.
    #[error("is no token of a session: it is not base64url, or too long")]
    Malformed,
    /// Its end is missing.
    #[error("is cut off; send the whole token")]
    Truncated,
    /// Its form is of another version of Plumbline.
    #[error("has a form of version {0}, which is not known here")]
    UnknownForm(u8),
    /// It was changed, or sealed with another key.
    #[error("was not made by this shop, or was changed since")]
    Forged,
    /// It is of another database.
    #[error("is of another database, whose positions mean nothing in this one")]
    Foreign,
}

impl Token {
    /// What both know, taken together.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        Self { written: self.written.max(other.written), read: self.read.max(other.read) }
    }

    /// As a caller is given it; it holds in the database cluster of this identifier alone.
    pub fn encode(self, key: &Key, cluster: u64) -> String {
        let mut bytes = [0; BYTES];
        bytes[0] = FORM;
        for (at, number) in [cluster, self.written, self.read].into_iter().enumerate() {
            bytes[1 + 8 * at..][..8].copy_from_slice(&number.to_be_bytes());
        }
        let (body, seal) = bytes.split_at_mut(BODY_BYTES);
        seal.copy_from_slice(&key.seal(&[PURPOSE, body]));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads what [`encode`](Self::encode) made.
    ///
    /// # Errors
    /// The text is nothing of the kind, was changed, or is of another key or database cluster.
    pub fn decode(text: &str, key: &Key, cluster: u64) -> Result<Self, InvalidToken> {
        let mut bytes = [0; BYTES];
        let length = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).map_err(|_| malformed_or_cut(text))?;
        match bytes[..length] {
            [] => return Err(InvalidToken::Truncated),
            [FORM, ..] => {}
            [form, ..] => return Err(InvalidToken::UnknownForm(form)),
        }
        if length < BYTES {
            return Err(InvalidToken::Truncated);
        }
        let (body, seal) = bytes.split_at(BODY_BYTES);
        if !key.knows(&[PURPOSE, body], seal) {
            return Err(InvalidToken::Forged);
        }
        let number = |at: usize| body[1 + 8 * at..][..8].iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        if number(0) != cluster {
            return Err(InvalidToken::Foreign);
        }
        Ok(Self { written: number(1), read: number(2) })
    }
}

/// A text that is cut may end in the middle of a byte.
fn malformed_or_cut(text: &str) -> InvalidToken {
    let alphabet = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let whole = BYTES.div_ceil(3) * 4 - 1;
    if text.len() < whole && text.bytes().all(alphabet) { InvalidToken::Truncated } else { InvalidToken::Malformed }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CLUSTER: u64 = 7_388_134_912_237_123_456;

    fn key() -> Key {
        Key::new(b"0123456789abcdef")
    }

    fn token() -> impl Strategy<Value = Token> {
        (any::<u64>(), any::<u64>()).prop_map(|(written, read)| Token { written, read })
    }

    proptest! {
        #[test]
        fn a_token_is_read_as_it_was_written(token in token(), cluster in any::<u64>()) {
            let text = token.encode(&key(), cluster);
            prop_assert_eq!(Token::decode(&text, &key(), cluster), Ok(token));
            prop_assert!(text.len() == 55 && text.bytes().all(|byte| byte.is_ascii_graphic()));
        }

        #[test]
        fn any_bit_that_is_flipped_is_noticed(token in token(), bit in 0..BYTES * 8) {
            let mut bytes = URL_SAFE_NO_PAD.decode(token.encode(&key(), CLUSTER)).unwrap();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let refused = Token::decode(&URL_SAFE_NO_PAD.encode(&bytes), &key(), CLUSTER);
            let expected = if bit < 8 { InvalidToken::UnknownForm(bytes[0]) } else { InvalidToken::Forged };
            prop_assert_eq!(refused, Err(expected));
        }

        #[test]
        fn any_character_that_is_changed_is_noticed(token in token(), at in 0..55usize, other in any::<char>()) {
            let text = token.encode(&key(), CLUSTER);
            let changed: String = text.chars().enumerate().map(|(n, c)| if n == at { other } else { c }).collect();
            prop_assert_eq!(Token::decode(&changed, &key(), CLUSTER).is_ok(), changed == text);
        }

        #[test]
        fn whatever_is_cut_off_is_noticed(token in token(), length in 0..55usize) {
            let refused = Token::decode(&token.encode(&key(), CLUSTER)[..length], &key(), CLUSTER);
            prop_assert_eq!(refused, Err(InvalidToken::Truncated));
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,80}") {
            prop_assert!(Token::decode(&text, &key(), CLUSTER).is_err());
        }

        #[test]
        fn merging_takes_the_maximum(a in token(), b in token(), c in token()) {
            prop_assert_eq!(a.merge(b), b.merge(a));
            prop_assert_eq!(a.merge(a), a);
            prop_assert_eq!(a.merge(b).merge(c), a.merge(b.merge(c)));
            prop_assert_eq!(a.merge(Token::default()), a);
            let both = a.merge(b);
            prop_assert!(both.written >= a.written && both.read >= a.read);
        }
    }

    #[test]
    fn a_token_of_another_key_or_database_is_refused() {
        let text = Token { written: 3, read: 4 }.encode(&key(), CLUSTER);
        let other = Key::new(b"0123456789abcdeg");
        assert_eq!(Token::decode(&text, &other, CLUSTER), Err(InvalidToken::Forged));
        assert_eq!(Token::decode(&text, &key(), CLUSTER + 1), Err(InvalidToken::Foreign));
    }

    #[test]
    fn what_is_no_token_is_told_by_its_kind() {
        let decode = |text: &str| Token::decode(text, &key(), CLUSTER).unwrap_err();
        let longer = Token::default().encode(&key(), CLUSTER) + "AAAA";
        for text in ["no token", "a+b/c=", "tokén", &longer, &"A".repeat(10_000)] {
            assert_eq!(decode(text), InvalidToken::Malformed, "{text:.60}");
        }
        assert_eq!(decode(""), InvalidToken::Truncated);
        assert_eq!(decode("AQ"), InvalidToken::Truncated);
        assert_eq!(decode("Ag"), InvalidToken::UnknownForm(2));
    }

    #[test]
    fn a_key_is_never_printed() {
        assert_eq!(format!("{:?}", key()), "Key(…)");
    }
}

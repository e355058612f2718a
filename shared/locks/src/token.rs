//! Fencing tokens.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A number that every later holder of a lock has greater: first by epoch, then by counter.
///
/// Whoever stores for a holder keeps the greatest token it has seen of each key, and refuses a smaller one. In SQL, with a
/// column for each half, that is one comparison of rows:
///
/// ```sql
/// UPDATE stock SET …, token_epoch = $1, token_counter = $2
/// WHERE sku = $3 AND (token_epoch, token_counter) <= ($1, $2)
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Token {
    epoch: i64,
    counter: i64,
}

impl Token {
    /// The smallest, which no holder is given: what a row begins with.
    pub const ZERO: Self = Self { epoch: 0, counter: 0 };

    /// Of its halves; `None` if one is beyond what SQL's `bigint` holds.
    pub fn new(epoch: u64, counter: u64) -> Option<Self> {
        Some(Self { epoch: i64::try_from(epoch).ok()?, counter: i64::try_from(counter).ok()? })
    }

    /// The number that the coordinators gave.
    pub fn epoch(self) -> u64 {
        self.epoch.cast_unsigned()
    }

    /// The number within the epoch, from Redis.
    pub fn counter(self) -> u64 {
        self.counter.cast_unsigned()
    }

    /// As two columns of type `bigint`, in this order.
    pub fn columns(self) -> (i64, i64) {
        (self.epoch, self.counter)
    }

    /// Of two columns; `None` if one is negative, which no token's is.
    pub fn from_columns(epoch: i64, counter: i64) -> Option<Self> {
        (epoch >= 0 && counter >= 0).then_some(Self { epoch, counter })
    }

    /// Of what `Display` makes of one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (epoch, counter) = text.split_once('.')?;
        Self::new(epoch.parse().ok()?, counter.parse().ok()?)
    }

    /// As one number, in the same order.
    pub fn to_i128(self) -> i128 {
        i128::from(self.epoch) << 64 | i128::from(self.counter)
    }

    /// Of [`to_i128`](Self::to_i128)'s number; `None` if it is another.
    pub fn from_i128(number: i128) -> Option<Self> {
        Self::new(u64::try_from(number >> 64).ok()?, number as u64)
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.epoch, self.counter)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn token() -> impl Strategy<Value = Token> {
        (0..=i64::MAX, 0..=i64::MAX).prop_map(|(epoch, counter)| Token { epoch, counter })
    }

    proptest! {
        #[test]
        fn every_form_keeps_the_order(a in token(), b in token()) {
            prop_assert_eq!(a.cmp(&b), a.to_i128().cmp(&b.to_i128()));
            prop_assert_eq!(a.cmp(&b), a.columns().cmp(&b.columns()));
            prop_assert_eq!(Token::parse(&a.to_string()), Some(a));
            prop_assert_eq!(Token::from_i128(a.to_i128()), Some(a));
            prop_assert_eq!(Token::from_columns(a.columns().0, a.columns().1), Some(a));
        }
    }

    #[test]
    fn what_is_no_token_is_none() {
        assert_eq!(Token::new(u64::MAX, 0), None);
        assert_eq!(Token::from_i128(-1), None);
        assert_eq!(Token::from_columns(-1, 0), None);
        assert_eq!(Token::new(3, 7).map(|token| token.to_string()), Some("3.7".to_owned()));
    }
}

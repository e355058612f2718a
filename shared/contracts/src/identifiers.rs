//! Identifiers as types: parsed once, trusted afterwards.

use std::{borrow::Borrow, fmt, str::FromStr, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Timestamp;

/// An order's identifier: a UUID version 7 (RFC 9562), so that ids sort by the millisecond they were made in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = Uuid, example = "0193e2a5-7c1e-7bd2-9a41-6f0e7ad2c9b3")]
pub struct OrderId(Uuid);

impl OrderId {
    /// Makes a new id from the clock and randomness.
    pub fn generate() -> Self {
        Self(Uuid::now_v7())
    }

    /// The id as a UUID, for stores.
    pub fn as_uuid(self) -> Uuid {
        self.0
    }

    /// How old the order is, by the clock of who made its id; `None` where that isn't of version 7. Never negative.
    pub fn age(self, now: Timestamp) -> Option<Duration> {
        let (seconds, nanos) = self.0.get_timestamp()?.to_unix();
        let made = Duration::new(seconds, nanos);
        let now = Duration::from_micros(u64::try_from(now.unix_micros()).ok()?);
        (self.0.get_version_num() == 7).then(|| now.saturating_sub(made))
    }

    /// The bucket of `buckets` this order belongs to: equal on every machine and in every version, because rows
    /// written by one instance are taken by another.
    ///
    /// Uses the id's last four bytes, which are random in version 7.
    pub fn bucket(self, buckets: u16) -> u16 {
        let bytes = self.0.as_bytes();
        let random = u32::from_be_bytes([bytes[12], bytes[13], bytes[14], bytes[15]]);
        (random % u32::from(buckets.max(1))) as u16
    }
}

impl From<Uuid> for OrderId {
    fn from(id: Uuid) -> Self {
        Self(id)
    }
}

impl FromStr for OrderId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::parse_str(text).map(Self)
    }
}

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Text that is no [`Sku`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSku {
    /// No character at all.
    #[error("must not be empty")]
    Empty,
    /// More than [`Sku::MAX_LENGTH`] characters.
    #[error("must have at most {max} characters, has {length}", max = Sku::MAX_LENGTH)]
    TooLong {
        /// Characters it has.
        length: usize,
    },
    /// A character outside the allowed set.
    #[error("may hold only letters A to Z and a to z, digits, space, '_', '.' and '-', not {found:?}")]
    Character {
        /// The first such character.
        found: char,
    },
}

/// A stock keeping unit: 1 to 32 characters of `[A-Za-z0-9 _.-]`, kept as given. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, min_length = 1, max_length = 32, pattern = "^[A-Za-z0-9 _.-]{1,32}$", example = "85123A")]
pub struct Sku(Arc<str>);

impl Sku {
    /// The most characters a SKU has.
    pub const MAX_LENGTH: usize = 32;

    /// The SKU's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<&str> for Sku {
    type Error = InvalidSku;

    fn try_from(text: &str) -> Result<Self, Self::Error> {
        if text.is_empty() {
            return Err(InvalidSku::Empty);
        }
        if let Some(found) =
            text.chars().find(|c| !matches!(c, 'A'..='Z' | 'a'..='z' | '0'..='9' | ' ' | '_' | '.' | '-'))
        {
            return Err(InvalidSku::Character { found });
        }
        if text.len() > Self::MAX_LENGTH {
            return Err(InvalidSku::TooLong { length: text.len() });
        }
        Ok(Self(Arc::from(text)))
    }
}

impl TryFrom<String> for Sku {
    type Error = InvalidSku;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::try_from(text.as_str())
    }
}

impl FromStr for Sku {
    type Err = InvalidSku;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::try_from(text)
    }
}

impl From<Sku> for String {
    fn from(sku: Sku) -> Self {
        sku.0.as_ref().to_owned()
    }
}

impl Borrow<str> for Sku {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Sku {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Text that is no [`CustomerId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCustomerId {
    /// No character at all.
    #[error("must not be empty; leave the field out for an order without a customer")]
    Empty,
    /// More than [`CustomerId::MAX_LENGTH`] characters.
    #[error("must have at most {max} characters, has {length}", max = CustomerId::MAX_LENGTH)]
    TooLong {
        /// Characters it has.
        length: usize,
    },
    /// A character outside the allowed set.
    #[error("may hold only letters A to Z and a to z, digits, '_', '.', '@' and '-', not {found:?}")]
    Character {
        /// The first such character.
        found: char,
    },
}

/// A customer's identifier: 1 to 64 characters of `[A-Za-z0-9_.@-]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_.@-]{1,64}$", example = "17850")]
pub struct CustomerId(Arc<str>);

impl CustomerId {
    /// The most characters a customer id has.
    pub const MAX_LENGTH: usize = 64;

    /// The id's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<&str> for CustomerId {
    type Error = InvalidCustomerId;

    fn try_from(text: &str) -> Result<Self, Self::Error> {
        if text.is_empty() {
            return Err(InvalidCustomerId::Empty);
        }
        if let Some(found) =
            text.chars().find(|c| !matches!(c, 'A'..='Z' | 'a'..='z' | '0'..='9' | '_' | '.' | '@' | '-'))
        {
            return Err(InvalidCustomerId::Character { found });
        }
        if text.len() > Self::MAX_LENGTH {
            return Err(InvalidCustomerId::TooLong { length: text.len() });
        }
        Ok(Self(Arc::from(text)))
    }
}

impl TryFrom<String> for CustomerId {
    type Error = InvalidCustomerId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::try_from(text.as_str())
    }
}

impl FromStr for CustomerId {
    type Err = InvalidCustomerId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::try_from(text)
    }
}

impl From<CustomerId> for String {
    fn from(id: CustomerId) -> Self {
        id.0.as_ref().to_owned()
    }
}

impl fmt::Display for CustomerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_text_of_the_pattern_is_a_sku_and_is_kept_as_given(text in "[A-Za-z0-9 _.-]{1,32}") {
            let sku = Sku::try_from(text.as_str()).unwrap();
            prop_assert_eq!(sku.as_str(), text);
        }

        #[test]
        fn no_other_text_is_a_sku(text in ".*") {
            let allowed = !text.is_empty() && text.len() <= 32
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || b" _.-".contains(&b));
            prop_assert_eq!(Sku::try_from(text.as_str()).is_ok(), allowed);
        }

        #[test]
        fn a_bucket_is_below_the_count(buckets in 1u16..1000) {
            prop_assert!(OrderId::generate().bucket(buckets) < buckets);
        }
    }

    #[test]
    fn buckets_share_orders_evenly() {
        let mut counts = [0u32; 8];
        for _ in 0..8_000 {
            counts[usize::from(OrderId::generate().bucket(8))] += 1;
        }
        assert!(counts.iter().all(|&n| (800..1_200).contains(&n)), "{counts:?}");
    }

    #[test]
    fn a_bucket_never_changes_between_versions() {
        let id: OrderId = "0193e2a5-7c1e-7bd2-9a41-6f0e7ad2c9b3".parse().unwrap();
        assert_eq!(id.bucket(8), 3);
    }
}

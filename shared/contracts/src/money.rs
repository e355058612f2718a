//! Money without fractions: minor units and a currency.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Quantity;

/// Text that is no [`Currency`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be three capital letters as in ISO 4217, for example GBP")]
pub struct InvalidCurrency;

/// A currency's ISO 4217 code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, min_length = 3, max_length = 3, pattern = "^[A-Z]{3}$", example = "GBP")]
pub struct Currency([u8; 3]);

impl Currency {
    /// Pounds sterling, the currency of the data the shop is seeded with.
    pub const GBP: Self = Self(*b"GBP");

    /// The three letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a currency holds three ASCII letters, checked when it was made")
    }
}

impl TryFrom<&str> for Currency {
    type Error = InvalidCurrency;

    fn try_from(text: &str) -> Result<Self, Self::Error> {
        match <[u8; 3]>::try_from(text.as_bytes()) {
            Ok(code) if code.iter().all(u8::is_ascii_uppercase) => Ok(Self(code)),
            _ => Err(InvalidCurrency),
        }
    }
}

impl TryFrom<String> for Currency {
    type Error = InvalidCurrency;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::try_from(text.as_str())
    }
}

impl FromStr for Currency {
    type Err = InvalidCurrency;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::try_from(text)
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.as_str().to_owned()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An amount of money: a whole number of the currency's minor unit (pence, cents).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// Minor units, for example 255 for £2.55.
    #[schema(example = 255)]
    pub minor: i64,
    /// ISO 4217 code.
    pub currency: Currency,
}

impl Money {
    /// `quantity` times this amount, or `None` where it does not fit 64 bits.
    pub fn times(self, quantity: Quantity) -> Option<Self> {
        Some(Self { minor: self.minor.checked_mul(i64::from(quantity.get()))?, ..self })
    }

    /// The sum of both, or `None` where the currencies differ or it does not fit 64 bits.
    pub fn plus(self, other: Self) -> Option<Self> {
        (self.currency == other.currency).then_some(())?;
        Some(Self { minor: self.minor.checked_add(other.minor)?, ..self })
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.minor < 0 { "-" } else { "" };
        let minor = self.minor.unsigned_abs();
        write!(f, "{sign}{}.{:02} {}", minor / 100, minor % 100, self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_do_not_mix_currencies() {
        let pound = Money { minor: 100, currency: Currency::GBP };
        let euro = Money { minor: 100, currency: "EUR".parse().unwrap() };
        assert_eq!(pound.plus(euro), None);
        assert_eq!(pound.plus(pound).unwrap().minor, 200);
    }

    #[test]
    fn an_amount_that_does_not_fit_is_none() {
        let much = Money { minor: i64::MAX, currency: Currency::GBP };
        assert_eq!(much.times(Quantity::try_from(2).unwrap()), None);
        assert_eq!(much.plus(Money { minor: 1, currency: Currency::GBP }), None);
    }
}

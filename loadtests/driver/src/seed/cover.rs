//! How much of the demand is in stock at the start.

use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer};

const MILLION: u64 = 1_000_000;

/// Text that is no [`Cover`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a number from 0 to 1000 with at most six decimals, for example 0.95")]
pub struct InvalidCover;

/// Which part of the demand is in stock: 0.95 leaves one of twenty things wanting. Kept as millionths, so that the same
/// text always gives the same stock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cover(u64);

impl Cover {
    /// The stock for a demand, rounded up.
    pub fn of(self, demand: u64) -> u64 {
        let millionths = u128::from(demand) * u128::from(self.0);
        u64::try_from(millionths.div_ceil(u128::from(MILLION))).unwrap_or(u64::MAX)
    }
}

impl Default for Cover {
    /// 0.95.
    fn default() -> Self {
        Self(950_000)
    }
}

impl FromStr for Cover {
    type Err = InvalidCover;

    fn from_str(text: &str) -> Result<Self, InvalidCover> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || fraction.len() > 6 || !digits(whole) || !digits(fraction) {
            return Err(InvalidCover);
        }
        let whole: u64 = whole.parse().map_err(|_| InvalidCover)?;
        let fraction: u64 = format!("{fraction:0<6}").parse().map_err(|_| InvalidCover)?;
        let millionths = whole.checked_mul(MILLION).and_then(|whole| whole.checked_add(fraction));
        millionths.filter(|&millionths| millionths <= 1_000 * MILLION).map(Self).ok_or(InvalidCover)
    }
}

impl fmt::Display for Cover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{}.{:06}", self.0 / MILLION, self.0 % MILLION);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

impl Serialize for Cover {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stock_is_rounded_up_and_exact() {
        let cover = |text: &str| text.parse::<Cover>().unwrap();
        for (text, demand, stock) in [
            ("0.95", 20, 19),
            ("0.95", 21, 20),
            ("0.95", 1, 1),
            ("0", 7, 0),
            ("1", 7, 7),
            ("0.07", 100, 7),
            ("2.5", 3, 8),
        ] {
            assert_eq!(cover(text).of(demand), stock, "{text} of {demand}");
        }
        assert_eq!(Cover::default().to_string(), "0.95");
        assert_eq!(cover("3").to_string(), "3");
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "-1", "1001", "0.1234567", "0,5", ".5", "1e2", "NaN"] {
            assert_eq!(text.parse::<Cover>(), Err(InvalidCover), "{text}");
        }
    }
}

//! Rates.

use std::{fmt, str::FromStr, time::Duration};

use serde::Serialize;

/// A number that paces nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a number above 0, at most 1,000,000")]
pub struct InvalidRate;

/// How many a second, or how many times as fast.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Rate(f64);

impl Rate {
    /// Takes a number above 0, at most 1,000,000.
    ///
    /// # Errors
    /// Where it is not.
    pub fn new(rate: f64) -> Result<Self, InvalidRate> {
        if rate > 0.0 && rate <= 1_000_000.0 { Ok(Self(rate)) } else { Err(InvalidRate) }
    }

    /// The number.
    pub fn get(self) -> f64 {
        self.0
    }

    /// When the `n`th of so many a second is due, from 0; to a nanosecond, without the error of a sum.
    pub(crate) fn due(self, n: u64) -> Duration {
        Duration::from_secs_f64(n as f64 / self.0)
    }
}

impl FromStr for Rate {
    type Err = InvalidRate;

    fn from_str(text: &str) -> Result<Self, InvalidRate> {
        text.parse().map_err(|_| InvalidRate).and_then(Self::new)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

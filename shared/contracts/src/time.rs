//! Points in time as every part of the house writes them.

use std::fmt;

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};
use utoipa::ToSchema;

/// A point in time: UTC, whole microseconds (what PostgreSQL keeps), written as RFC 3339.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, format = DateTime, example = "2010-12-01T08:26:00.123456Z")]
pub struct Timestamp(#[serde(with = "time::serde::rfc3339")] OffsetDateTime);

impl Timestamp {
    /// Now, by the system clock.
    pub fn now() -> Self {
        Self::from(OffsetDateTime::now_utc())
    }

    /// The time `millis` milliseconds after 1970-01-01T00:00Z, as Kafka's timestamps count, or `None` past the year 9999.
    pub fn from_unix_millis(millis: i64) -> Option<Self> {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000).ok().map(Self)
    }

    /// The time `micros` microseconds after 1970-01-01T00:00Z, or `None` past the year 9999.
    pub fn from_unix_micros(micros: i64) -> Option<Self> {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1_000).ok().map(Self)
    }

    /// Milliseconds since 1970-01-01T00:00Z, rounded down.
    pub fn unix_millis(self) -> i64 {
        (self.unix_micros()).div_euclid(1_000)
    }

    /// Microseconds since 1970-01-01T00:00Z.
    pub fn unix_micros(self) -> i64 {
        i64::try_from(self.0.unix_timestamp_nanos() / 1_000).expect("years 0 to 9999 fit 64 bits of microseconds")
    }

    /// The time as stores bind it.
    pub fn as_offset(self) -> OffsetDateTime {
        self.0
    }

    /// `self - earlier` in microseconds; negative where `earlier` is later.
    pub fn micros_since(self, earlier: Self) -> i64 {
        self.unix_micros() - earlier.unix_micros()
    }
}

impl From<OffsetDateTime> for Timestamp {
    fn from(at: OffsetDateTime) -> Self {
        let utc = at.to_offset(time::UtcOffset::UTC);
        Self(utc - Duration::nanoseconds(i64::from(utc.nanosecond() % 1_000)))
    }
}

impl std::str::FromStr for Timestamp {
    type Err = time::error::Parse;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        OffsetDateTime::parse(text, &Rfc3339).map(Self::from)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.format(&Rfc3339).map_err(|_| fmt::Error)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_whole_microseconds() {
        let at: Timestamp = "2010-12-01T08:26:00.123456789+01:00".parse().unwrap();
        assert_eq!(at.to_string(), "2010-12-01T07:26:00.123456Z");
        assert_eq!(serde_json::to_string(&at).unwrap(), "\"2010-12-01T07:26:00.123456Z\"");
    }
}

//! Times in histograms, to three significant digits.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

const LONGEST_MICROS: u64 = 3_600_000_000;

/// Times as they are recorded: 1 µs to an hour.
#[derive(Debug, Clone)]
pub(crate) struct Latencies(Histogram<u64>);

impl Latencies {
    pub(crate) fn new() -> Self {
        Self(Histogram::new_with_bounds(1, LONGEST_MICROS, 3).expect("1 µs to an hour, three digits, are legal bounds"))
    }

    pub(crate) fn record(&mut self, time: Duration) {
        self.record_micros(u64::try_from(time.as_micros()).unwrap_or(LONGEST_MICROS));
    }

    pub(crate) fn record_micros(&mut self, micros: u64) {
        self.0.saturating_record(micros);
    }

    pub(crate) fn quantiles(&self) -> Quantiles {
        let millis = |micros: u64| micros as f64 / 1_000.0;
        let at = |quantile| millis(self.0.value_at_quantile(quantile));
        Quantiles {
            count: self.0.len(),
            mean: self.0.mean() / 1_000.0,
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: millis(self.0.max()),
        }
    }
}

/// A distribution of times, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Quantiles {
    /// How many were measured; every other figure is 0 where there are none.
    pub count: u64,
    /// The arithmetic mean.
    pub mean: f64,
    /// Half took at most this long.
    pub p50: f64,
    /// 90 of 100 took at most this long.
    pub p90: f64,
    /// 99 of 100.
    pub p99: f64,
    /// 999 of 1,000.
    pub p999: f64,
    /// The longest.
    pub max: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_what_was_recorded() {
        let mut times = Latencies::new();
        (1..=1_000).for_each(|millis| times.record(Duration::from_millis(millis)));
        let found = times.quantiles();
        assert_eq!(found.count, 1_000);
        for (value, expected) in [(found.p50, 500.0), (found.p90, 900.0), (found.p99, 990.0), (found.max, 1_000.0)] {
            assert!((value - expected).abs() <= expected / 500.0, "{value} for {expected}");
        }
    }

    #[test]
    fn nothing_recorded_is_all_zero() {
        assert_eq!(Latencies::new().quantiles(), Quantiles::default());
    }
}

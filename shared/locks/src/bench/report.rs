//! What came of a contest.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use super::contender::Part;

/// No wait is recorded as longer, in microseconds.
pub(super) const LONGEST: u64 = 3_600_000_000;

/// What came of it. Reports of several processes that ran at once can be [merged](Self::merge).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Report {
    /// How many locks were held.
    pub locks: u64,
    /// How many were not to be had, or were lost while they were held.
    pub failures: u64,
    /// How many found somebody else inside: at least so often two were at once.
    pub violations: u64,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// Waits in microseconds, to three digits, each with how many there were.
    pub waits: Vec<(u64, u64)>,
}

impl Report {
    pub(super) fn of(parts: Vec<Part>, took: Duration) -> Self {
        let mut histogram = histogram();
        let mut report = Self { locks: 0, failures: 0, violations: 0, seconds: took.as_secs_f64(), waits: Vec::new() };
        for part in parts {
            report.locks += part.held;
            report.failures += part.failures;
            report.violations += part.violations;
            part.waits.iter().for_each(|wait| histogram.saturating_record(*wait));
        }
        let waits = histogram.iter_recorded().map(|value| (value.value_iterated_to(), value.count_at_value()));
        report.waits = waits.collect();
        report
    }

    /// Locks a second.
    pub fn rate(&self) -> f64 {
        self.locks as f64 / self.seconds
    }

    /// The wait that this share of all did not exceed, 0 to 1.
    pub fn wait(&self, share: f64) -> Duration {
        let mut histogram = histogram();
        self.waits.iter().for_each(|(wait, count)| histogram.saturating_record_n(*wait, *count));
        Duration::from_micros(histogram.value_at_quantile(share))
    }

    /// That of another process which ran at the same time, added to this one.
    pub fn merge(mut self, other: Self) -> Self {
        self.locks += other.locks;
        self.failures += other.failures;
        self.violations += other.violations;
        self.seconds = self.seconds.max(other.seconds);
        self.waits.extend(other.waits);
        self
    }
}

fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST, 3).expect("these are bounds that a histogram can have")
}

//! What came of looking.

use std::{collections::BTreeMap, fmt, time::Duration};

use contracts::consistency::{Copy, Level};
use hyper::header::HeaderValue;
use serde::Serialize;

use super::Browse;
use crate::{
    http::{Answer, Outcome},
    latency::{Latencies, Quantiles},
    render::{grouped, write_heading, write_quantiles},
    stock,
};

/// What came of looking. Written out it is for people; as JSON for programs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// How new answers had to be.
    pub level: Level,
    /// Whether requests had their times; else every connection was kept busy.
    pub open_loop: bool,
    /// From the start to the last answer, in seconds.
    pub seconds: f64,
    /// Reads that were answered.
    pub reads: u64,
    /// The same a second.
    pub reads_per_second: f64,
    /// Writes that were acknowledged.
    pub writes: u64,
    /// Requests that were never sent, as no connection came free.
    pub dropped: u64,
    /// Requests without the answer that they were for, by why.
    pub failed: BTreeMap<String, u64>,
    /// Reads answered by the cache.
    pub by_cache: u64,
    /// Reads answered by a replica.
    pub by_replica: u64,
    /// Reads answered by the primary.
    pub by_primary: u64,
    /// Which part of the reads the cache answered, from 0 to 1.
    pub hit_ratio: f64,
    /// How old answers said they were, in milliseconds.
    pub age_ms: Quantiles,
    /// From the planned time to the answer, in milliseconds.
    pub read_ms: Quantiles,
    /// The same of writes.
    pub write_ms: Quantiles,
    /// From the planned time to the sending, in milliseconds: what the driver itself was late.
    pub send_lag_ms: Quantiles,
}

/// The report as it grows.
pub(super) struct Tally {
    last: Duration,
    writes: u64,
    failed: BTreeMap<String, u64>,
    by: BTreeMap<&'static str, u64>,
    age: Latencies,
    read: Latencies,
    write: Latencies,
    send_lag: Latencies,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            last: Duration::ZERO,
            writes: 0,
            failed: BTreeMap::new(),
            by: BTreeMap::new(),
            age: Latencies::new(),
            read: Latencies::new(),
            write: Latencies::new(),
            send_lag: Latencies::new(),
        }
    }
}

impl Tally {
    pub(super) fn sent(&mut self, lag: Duration) {
        self.send_lag.record(lag);
    }

    /// A request has come to its end: the token that its answer came with.
    pub(super) fn ended(&mut self, sent: &Outcome, wrote: bool, took: Duration, at: Duration) -> Option<HeaderValue> {
        self.last = at;
        let answer = match sent {
            Outcome::Answered(answer) if answer.status.is_success() => answer,
            Outcome::Answered(answer) => {
                self.failed(format!("status {}: {}", answer.status.as_u16(), answer.complaint()));
                return None;
            }
            Outcome::GaveUp { last, .. } => {
                self.failed(last.to_string());
                return None;
            }
        };
        if wrote {
            self.writes += 1;
            self.write.record(took);
        } else {
            self.shown(answer, took);
        }
        stock::session(&answer.headers)
    }

    fn shown(&mut self, answer: &Answer, took: Duration) {
        match stock::of_itself(&answer.headers) {
            Ok((by, age)) => {
                *self.by.entry(by.as_str()).or_default() += 1;
                self.age.record(age);
                self.read.record(took);
            }
            Err(why) => self.failed(format!("an answer with {why}")),
        }
    }

    fn failed(&mut self, why: String) {
        *self.failed.entry(why).or_default() += 1;
    }

    pub(super) fn report(self, browse: &Browse, dropped: u64) -> Report {
        let by = |copy: Copy| self.by.get(copy.as_str()).copied().unwrap_or(0);
        let (by_cache, by_replica, by_primary) = (by(Copy::Cache), by(Copy::Replica), by(Copy::Primary));
        let reads = by_cache + by_replica + by_primary;
        let seconds = self.last.as_secs_f64();
        let ratio = |of: f64, all: f64| if all > 0.0 { of / all } else { 0.0 };
        Report {
            level: browse.level,
            open_loop: browse.rate.is_some(),
            seconds,
            reads,
            reads_per_second: ratio(reads as f64, seconds),
            writes: self.writes,
            dropped,
            failed: self.failed,
            by_cache,
            by_replica,
            by_primary,
            hit_ratio: ratio(by_cache as f64, reads as f64),
            age_ms: self.age.quantiles(),
            read_ms: self.read.quantiles(),
            write_ms: self.write.quantiles(),
            send_lag_ms: self.send_lag.quantiles(),
        }
    }
}

impl fmt::Display for Report {
    /// In at most 80 columns.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pace =
            if self.open_loop { "at planned times; times count from them" } else { "every connection kept busy" };
        writeln!(f, "reads at {}: {pace}", self.level)?;
        let rate = grouped(self.reads_per_second.round() as u64);
        writeln!(f, "reads           {:>9} in {:.1} s, {rate}/s", grouped(self.reads), self.seconds)?;
        for (name, count) in [("cache", self.by_cache), ("replica", self.by_replica), ("primary", self.by_primary)] {
            let share = if self.reads > 0 { count as f64 / self.reads as f64 * 100.0 } else { 0.0 };
            writeln!(f, "{:<16}{:>9} {share:.1} %", format!("by {name}"), grouped(count))?;
        }
        writeln!(f, "writes          {:>9}", grouped(self.writes))?;
        if self.dropped > 0 {
            writeln!(f, "dropped         {:>9} never sent: no connection came free", grouped(self.dropped))?;
        }
        for (why, count) in &self.failed {
            writeln!(f, "failed          {:>9} {why}", grouped(*count))?;
        }
        write_heading(f)?;
        write_quantiles(f, "read", &self.read_ms)?;
        write_quantiles(f, "write", &self.write_ms)?;
        write_quantiles(f, "age", &self.age_ms)?;
        write_quantiles(f, "send lag", &self.send_lag_ms)
    }
}

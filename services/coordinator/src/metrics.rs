//! What a member counts, shown under etcd's names.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Everything that is counted while the member runs; the rest is read from the engine when it is asked for.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Calls that wait for their answer.
    pub pending: Number,
    /// Proposals that got no answer in time.
    pub failed: Number,
    /// Reads that got no answer in time.
    pub slow_reads: Number,
    /// Writes of the log, as long as they took until they were on the disk.
    pub fsync: Histogram,
    /// Proposals, from their coming until they were committed and applied here.
    pub commit: Histogram,
    /// Snapshots, as long as they took until they were on the disk.
    pub snapshot: Histogram,
}

/// A number that goes up, or up and down.
#[derive(Debug, Default)]
pub struct Number(AtomicU64);

impl Number {
    /// Makes it this.
    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// Adds one.
    pub fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// What it is.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How many buckets a [`Histogram`] has: from 1 ms, each twice the one before, up to 8.192 s, as etcd's.
const BUCKETS: usize = 14;

/// Durations, counted in buckets.
#[derive(Debug, Default)]
pub struct Histogram {
    buckets: [AtomicU64; BUCKETS],
    count: AtomicU64,
    nanos: AtomicU64,
}

impl Histogram {
    /// Counts one.
    pub fn observe(&self, duration: Duration) {
        let millis = duration.as_secs_f64() * 1_000.0;
        if let Some(bucket) = (0..BUCKETS).find(|bucket| millis <= f64::from(1_u32 << bucket)) {
            self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        }
        self.count.fetch_add(1, Ordering::Relaxed);
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
    }

    /// Upper bounds in seconds with how many were no longer; then how many there were, and their sum in seconds.
    #[must_use]
    pub fn read(&self) -> (Vec<(f64, u64)>, u64, f64) {
        let mut total = 0;
        let cumulative = self.buckets.iter().enumerate().map(|(place, bucket)| {
            total += bucket.load(Ordering::Relaxed);
            (f64::from(1_u32 << place) / 1_000.0, total)
        });
        let buckets = cumulative.collect();
        let sum = Duration::from_nanos(self.nanos.load(Ordering::Relaxed)).as_secs_f64();
        (buckets, self.count.load(Ordering::Relaxed), sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_cumulative() {
        let histogram = Histogram::default();
        for millis in [1, 3, 20_000] {
            histogram.observe(Duration::from_millis(millis));
        }
        let (buckets, count, sum) = histogram.read();
        assert_eq!(buckets[..3], [(0.001, 1), (0.002, 1), (0.004, 2)]);
        assert_eq!((buckets[BUCKETS - 1], count), ((8.192, 2), 3));
        assert!((sum - 20.004).abs() < 1e-9);
    }
}

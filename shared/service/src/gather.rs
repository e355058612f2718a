//! Gathering what many requests want, to be done in one transaction.
//!
//! A transaction costs much the same for one request as for a hundred. So requests wait in a [`Queue`] for the transaction
//! before theirs, and all that came meanwhile share the next. Under load batches grow by themselves; at rest a request is
//! done alone, at once.

use std::{ops::RangeInclusive, sync::Arc, time::Duration};

use coordination::settings::Setting;
use tokio::time::{Instant, sleep_until};

use crate::queue::Queue;

/// How requests are gathered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// How many tasks work, each over a connection of its own.
    pub tasks: usize,
    /// The most requests a transaction.
    pub batch_max: i64,
    /// The least time from one transaction's beginning to the next one's, for each task, unless a batch is full: under load
    /// transactions are fewer and larger for it; at rest no request waits.
    pub pace: Duration,
    /// How many requests may wait; beyond it they are refused.
    pub queue: usize,
    /// How long a request is tried, waiting included, before its caller is told to come again.
    pub patience: Duration,
}

/// What [`Config::batch_max`] may be.
pub const BATCH_RANGE: RangeInclusive<i64> = 1..=10_000;
/// What [`Config::pace`] may be.
pub const PACE_RANGE: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(1);

/// How requests are gathered at this moment; begins as it is configured, and is read anew for every transaction.
#[derive(Debug, Clone)]
pub struct Batching {
    /// See [`Config::batch_max`].
    pub most: Setting<i64>,
    /// See [`Config::pace`].
    pub pace: Setting<Duration>,
}

/// Longer than this a task doesn't rest for what its transactions take.
const LONGEST_REST: Duration = Duration::from_millis(32);

/// Takes batches from a queue, for one task.
#[derive(Debug)]
pub struct Taker<T> {
    queue: Arc<Queue<T>>,
    batching: Batching,
    /// When it took the last batch.
    taken_at: Option<Instant>,
    /// What a transaction takes: each counts an eighth, so that one that was late is soon forgotten.
    usual: Duration,
}

impl<T> Taker<T> {
    /// Takes from this queue.
    pub fn new(queue: Arc<Queue<T>>, batching: Batching) -> Self {
        Self { queue, batching, taken_at: None, usual: Duration::ZERO }
    }

    /// Moves the next batch to the end of `taken`, waiting until there is one, and for the pace; `false` when the queue is
    /// closed and empty.
    ///
    /// A task rests as long as a transaction usually takes, if that is more than the pace leaves it: where processors are short,
    /// transactions take long, and what each costs is shared by more requests then.
    pub async fn take(&mut self, taken: &mut Vec<T>) -> bool {
        let not_before = self.next(Instant::now());
        if !self.queue.take(|| self.batching.most.count(), taken).await {
            return false;
        }
        // It may have been set to less than what was taken.
        let room = self.batching.most.count().saturating_sub(taken.len());
        if room > 0 && Instant::now() < not_before {
            sleep_until(not_before).await;
            self.queue.take_now(room, taken);
        }
        self.taken_at = Some(Instant::now());
        true
    }

    /// When the next batch is to be taken at the earliest, now that the last one is done.
    fn next(&mut self, now: Instant) -> Instant {
        let Some(taken_at) = self.taken_at else { return now };
        self.usual = (self.usual * 7 + (now - taken_at)) / 8;
        taken_at + self.batching.pace.get().max(self.usual + self.usual.min(LONGEST_REST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_task_rests_longer_where_transactions_take_long_and_not_for_one_that_was_late() {
        let batching = Batching { most: Setting::fixed(10), pace: Setting::fixed(5 * MS) };
        let mut taker = Taker::<()>::new(Arc::new(Queue::new(10)), batching);
        let began = Instant::now();
        assert_eq!(taker.next(began), began, "nothing was taken before");
        taker.taken_at = Some(began);
        let mut after = |took: Duration| taker.next(began + took) - began;
        assert_eq!(after(2 * MS), 5 * MS, "the pace is more");
        assert_eq!(after(16 * MS), 5 * MS, "once is no matter");
        for _ in 0..50 {
            after(8 * MS);
        }
        assert!(after(8 * MS).abs_diff(16 * MS) < MS / 10);
        for _ in 0..50 {
            after(100 * MS);
        }
        assert!(after(100 * MS).abs_diff(132 * MS) < MS);
    }
}

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

/// Takes batches from a queue, for one task.
#[derive(Debug)]
pub struct Taker<T> {
    queue: Arc<Queue<T>>,
    batching: Batching,
    not_before: Instant,
}

impl<T> Taker<T> {
    /// Takes from this queue.
    pub fn new(queue: Arc<Queue<T>>, batching: Batching) -> Self {
        Self { queue, batching, not_before: Instant::now() }
    }

    /// Moves the next batch to the end of `taken`, waiting until there is one, and for the pace; `false` when the queue is
    /// closed and empty.
    pub async fn take(&mut self, taken: &mut Vec<T>) -> bool {
        if !self.queue.take(|| self.batching.most.count(), taken).await {
            return false;
        }
        // It may have been set to less than what was taken.
        let room = self.batching.most.count().saturating_sub(taken.len());
        if room > 0 && Instant::now() < self.not_before {
            sleep_until(self.not_before).await;
            self.queue.take_now(room, taken);
        }
        self.not_before = Instant::now() + self.batching.pace.get();
        true
    }
}

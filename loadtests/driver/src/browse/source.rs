//! When requests are due.

use std::{cell::Cell, time::Duration};

use crate::{Rate, engine::Clock};

/// How long after the end requests are sent that were due before it.
const LATE: Duration = Duration::from_secs(10);

/// Hands out requests to whichever connection is free: open loop with a rate, as each has its time whatever became of those
/// before; else closed.
pub(super) struct Source {
    rate: Option<Rate>,
    lasting: Duration,
    clock: Clock,
    planned: u64,
    taken: Cell<u64>,
}

impl Source {
    pub(super) fn new(rate: Option<Rate>, lasting: Duration, clock: Clock) -> Self {
        let planned = rate.map_or(0, |rate| (lasting.as_secs_f64() * rate.get()).ceil() as u64);
        Self { rate, lasting, clock, planned, taken: Cell::new(0) }
    }

    /// Waits until the next request is due: the time from which it counts. `None` when there are no more.
    pub(super) async fn next(&self) -> Option<Duration> {
        let now = self.clock.elapsed();
        let Some(rate) = self.rate else { return (now < self.lasting).then_some(now) };
        let n = self.taken.get();
        if n >= self.planned || now > self.lasting + LATE {
            return None;
        }
        self.taken.set(n + 1);
        let due = rate.due(n);
        if due > now {
            tokio::time::sleep_until(self.clock.instant(due)).await;
        }
        Some(due)
    }

    /// Requests that were planned and never sent, as no connection came free.
    pub(super) fn dropped(&self) -> u64 {
        self.planned - self.taken.get()
    }
}

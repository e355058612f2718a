//! The sweep: gives back what was reserved for orders that were never confirmed.
//!
//! It is the way back from what no transaction covers: an order service that was rolled back to an older backup, an
//! order placed by a writer that never confirms. One instance is elected to sweep. Where nobody can be elected every
//! instance tries at its interval, and a lock in the database lets one of them work; that lock also keeps apart an owner
//! that was and one that is. So no term is needed: whoever sweeps does the same, and to sweep twice changes nothing.

use std::{ops::RangeInclusive, time::Duration};

use contracts::Timestamp;
use coordination::{
    Name,
    election::{Duty, Role},
    settings::Setting,
};
use locks::LockError;
use messaging::relay;
use tokio::{sync::watch, task::JoinHandle, time::sleep};

use crate::{
    locking::Locking,
    metric_definitions::METRICS,
    store::{self, ChangeError, Store, Swept},
};

/// The most reservations a transaction gives back: few, so that batches don't wait long for its locks.
const STEP: usize = 200;

/// How far behind the last sweep the next one begins: far more than a transaction takes from deciding to committing.
const OVERLAP: Duration = Duration::from_secs(600);

/// The duty that is elected, as `inventory.sweep`.
pub const DUTY: Name = Name::literal("sweep");
/// What [`Config::time_to_live_seconds`] may be: up to a year.
pub const TIME_TO_LIVE_RANGE: RangeInclusive<i64> = 1..=31_536_000;
/// What [`Config::interval`] may be: up to a day.
pub const INTERVAL_RANGE: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_secs(86_400);

/// How the sweep is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// How long a reservation may stay HELD, in seconds.
    pub time_to_live_seconds: i64,
    /// How long to wait between sweeps.
    pub interval: Duration,
}

/// How the sweep works at this moment; begins as it is configured.
#[derive(Debug, Clone)]
pub struct Settings {
    /// See [`Config::time_to_live_seconds`].
    pub time_to_live_seconds: Setting<i64>,
    /// See [`Config::interval`].
    pub interval: Setting<Duration>,
}

/// A running sweep.
#[derive(Debug)]
pub struct Handle {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
    duty: Duty,
}

impl Handle {
    /// Finishes the transaction in hand, hands the duty on, and ends.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        // A task that panicked has said so itself; there is nothing left to wait for.
        let _ = self.task.await;
        self.duty.resign().await;
    }
}

/// Starts the sweep. It runs until it is stopped, through losses of the database and of coordinators. `relay` is woken when
/// reservations were given back.
pub fn start(settings: Settings, duty: Duty, store: Store, locking: Locking, relay: relay::Waker) -> Handle {
    let (stop, stopped) = watch::channel(false);
    let settled_until = Timestamp::from_unix_micros(0);
    let sweeper = Sweeper { settings, duty: duty.clone(), store, locking, relay, settled_until, stopped };
    Handle { stop, task: tokio::spawn(sweeper.run()), duty }
}

/// Why a sweep failed.
#[derive(Debug, thiserror::Error)]
enum SweepError {
    #[error(transparent)]
    NotLocked(#[from] LockError),
    #[error(transparent)]
    NotChanged(#[from] ChangeError),
    #[error(transparent)]
    Store(#[from] store::Error),
}

struct Sweeper {
    settings: Settings,
    duty: Duty,
    store: Store,
    locking: Locking,
    relay: relay::Waker,
    /// Nothing decided before this is HELD any more, so the next sweep need not look there. `None` past the year 9999.
    settled_until: Option<Timestamp>,
    stopped: watch::Receiver<bool>,
}

impl Sweeper {
    async fn run(mut self) {
        loop {
            tokio::select! {
                () = sleep(self.settings.interval.get()) => {}
                // Whoever has set a day may want less before it is over.
                _ = self.settings.interval.changed() => continue,
                _ = self.stopped.wait_for(|stopped| *stopped) => return,
            }
            if self.duty.role() == Role::Standby {
                continue;
            }
            if let Err(error) = self.sweep().await {
                METRICS.sweep_failures.add(1, &[]);
                tracing::warn!(%error, "overdue reservations not swept; tried again at the next turn");
            }
        }
    }

    async fn sweep(&mut self) -> Result<(), SweepError> {
        let seconds = self.settings.time_to_live_seconds.get().unsigned_abs();
        let overdue_before = earlier(Timestamp::now(), Duration::from_secs(seconds));
        let (Some(since), Some(before)) = (self.settled_until, overdue_before) else { return Ok(()) };
        while !*self.stopped.borrow() {
            let Some(overdue) = self.store.overdue(since, before, STEP as i64).await? else { return Ok(()) };
            let found = overdue.count();
            if found > 0 {
                let access = self.locking.lock(overdue.skus(), None).await?;
                match self.locking.noted(self.store.expire(overdue, &access).await)? {
                    Swept::Elsewhere => return Ok(()),
                    Swept::Here { released, violations } => self.note(released, violations),
                }
            }
            if found < STEP {
                self.settled_until = earlier(before, OVERLAP).max(self.settled_until);
                return Ok(());
            }
        }
        Ok(())
    }

    fn note(&self, released: usize, violations: u64) {
        METRICS.violated(violations);
        if released > 0 {
            METRICS.released("expired", released as u64);
            tracing::info!(released, "reservations expired: their orders were not confirmed in time");
            self.relay.wake();
        }
    }
}

fn earlier(at: Timestamp, by: Duration) -> Option<Timestamp> {
    let micros = i64::try_from(by.as_micros()).ok()?;
    Timestamp::from_unix_micros(at.unix_micros().checked_sub(micros)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_to_live_beyond_all_clocks_overdues_nothing() {
        let now = Timestamp::now();
        assert_eq!(earlier(now, Duration::from_secs(1)).unwrap().micros_since(now), -1_000_000);
        assert_eq!(earlier(now, Duration::from_secs(u64::MAX / 1_000_000)), None);
    }
}

//! How a strategy fares under contention: so many contenders, in one process or several at once, want the same keys.

use std::{sync::Arc, time::Duration};

use hdrhistogram::Histogram;
use rand::Rng;
use serde::{Deserialize, Serialize};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};

use crate::{Guard, Keys, LockError, Locks, Request};

/// The longest pause of a contender that polls.
const POLL: Duration = Duration::from_millis(200);
/// No wait is recorded as longer, in microseconds.
const LONGEST: u64 = 3_600_000_000;

/// How contenders wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// As [`Locks::lock`] does.
    Queued,
    /// With [`Locks::try_lock`], and a pause of anything up to 200 ms after each attempt that failed: the usual way, to
    /// compare with. Each contender needs [`Locks`] of its own then, or the process's queue helps it.
    Polling,
}

/// What contenders do.
#[derive(Debug, Clone, Copy)]
pub struct Contest {
    /// How many there are in this process.
    pub contenders: usize,
    /// How many keys there are; each contender takes one, its number modulo this.
    pub keys: usize,
    /// How long each holds.
    pub hold: Duration,
    /// How long each does something else before it asks again. Without it, whoever polls asks again right after its own
    /// release, and finds the lock free before anybody else has looked.
    pub think: Duration,
    /// How long all of it lasts.
    pub duration: Duration,
    /// How they wait.
    pub waiting: Waiting,
}

/// What came of it. Reports of several processes that ran at once can be [merged](Self::merge).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Report {
    /// How many locks were held.
    pub locks: u64,
    /// How many were not to be had, or were lost while they were held.
    pub failures: u64,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// Waits in microseconds, to three digits, each with how many there were.
    pub waits: Vec<(u64, u64)>,
}

impl Report {
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
        self.seconds = self.seconds.max(other.seconds);
        self.waits.extend(other.waits);
        self
    }
}

/// Runs a contest; `locks` makes each contender's, the same for all or one each. Those who wait at its end are counted with
/// what they have waited until then, so that nobody who starves is left out.
///
/// Must be called within a runtime.
pub async fn contend(locks: impl Fn(usize) -> Locks, contest: Contest) -> Report {
    let begun = Instant::now();
    let end = begun + contest.duration;
    let mut tasks = JoinSet::new();
    for number in 0..contest.contenders {
        let key = Keys::one(format!("contended {}", number % contest.keys.max(1)));
        let contender = Contender { locks: locks(number), key, contest, end };
        tasks.spawn(contender.run());
    }
    let parts = tasks.join_all().await;
    let mut waits = histogram();
    let (mut held, mut failures) = (0, 0);
    for part in parts {
        held += part.held;
        failures += part.failures;
        part.waits.iter().for_each(|wait| waits.saturating_record(*wait));
    }
    let waits = waits.iter_recorded().map(|value| (value.value_iterated_to(), value.count_at_value())).collect();
    Report { locks: held, failures, seconds: begun.elapsed().as_secs_f64(), waits }
}

fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST, 3).expect("these are bounds that a histogram can have")
}

struct Contender {
    locks: Locks,
    key: Keys,
    contest: Contest,
    end: Instant,
}

#[derive(Default)]
struct Part {
    held: u64,
    failures: u64,
    waits: Vec<u64>,
}

impl Contender {
    async fn run(self) -> Part {
        let mut part = Part::default();
        while Instant::now() < self.end {
            let asked = Instant::now();
            let taken = match self.contest.waiting {
                Waiting::Queued => self.locks.lock(&self.key, Request::until(self.end)).await,
                Waiting::Polling => self.poll().await,
            };
            part.waits.push(u64::try_from(asked.elapsed().as_micros()).unwrap_or(LONGEST));
            match taken {
                Ok(guard) => {
                    hold(self.contest.hold).await;
                    let released = guard.release().await;
                    part.held += u64::from(released.held);
                    part.failures += u64::from(!released.held);
                    sleep(self.contest.think).await;
                }
                Err(LockError::TimedOut { last: None, .. } | LockError::Busy { .. }) => {}
                Err(_) => part.failures += 1,
            }
        }
        part
    }

    async fn poll(&self) -> Result<Guard, LockError> {
        loop {
            match self.locks.try_lock(&self.key, Request::until(self.end)).await {
                Err(LockError::Busy { .. }) if Instant::now() < self.end => {}
                answer => return answer,
            }
            let pause = rand::rng().random_range(Duration::ZERO..POLL);
            sleep_until((Instant::now() + pause).min(self.end)).await;
        }
    }
}

/// The runtime's clock ticks in milliseconds, which is too coarse for a hold of one: the rest is the thread's.
async fn hold(time: Duration) {
    if time >= Duration::from_millis(10) {
        sleep(time).await;
    } else if time > Duration::ZERO {
        // An error is a runtime that shuts down.
        let _ = tokio::task::spawn_blocking(move || std::thread::sleep(time)).await;
    }
}

/// Hands one key over so many times between so many tasks; returns the longest wait. A wake-up that gets lost shows as a wait
/// of the rest of a time to live.
///
/// # Errors
/// A lock was not to be had within a minute.
pub async fn hand_over(locks: Vec<Locks>, tasks: usize, times: u64) -> Result<Duration, LockError> {
    let left = Arc::new(std::sync::atomic::AtomicU64::new(times));
    let mut all = JoinSet::new();
    for task in 0..tasks {
        let (locks, left) = (locks[task % locks.len()].clone(), Arc::clone(&left));
        all.spawn(async move {
            let mut longest = Duration::ZERO;
            let taken = std::sync::atomic::Ordering::Relaxed;
            while left.fetch_update(taken, taken, |left| left.checked_sub(1)).is_ok() {
                let asked = Instant::now();
                let guard = locks.lock(&Keys::one("handed over"), Request::within(Duration::from_secs(60))).await?;
                longest = longest.max(asked.elapsed());
                drop(guard);
            }
            Ok(longest)
        });
    }
    all.join_all().await.into_iter().try_fold(Duration::ZERO, |longest, one| Ok(longest.max(one?)))
}

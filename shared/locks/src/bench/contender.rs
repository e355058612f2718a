//! One of those who want the same.

use std::{sync::Arc, time::Duration};

use rand::Rng;
use tokio::time::{Instant, sleep, sleep_until};

use super::{Contest, Inside, Missed, Witness, report::LONGEST};
use crate::{Guard, Keys, LockError, Locks, Request};

/// The longest pause of a contender that polls.
const POLL: Duration = Duration::from_millis(200);

pub(super) struct Contender {
    pub(super) number: usize,
    pub(super) contest: Contest,
    pub(super) end: Instant,
    pub(super) witness: Arc<Witness>,
}

/// Its part in a contest.
#[derive(Default)]
pub(super) struct Part {
    pub(super) held: u64,
    pub(super) failures: u64,
    pub(super) violations: u64,
    pub(super) waits: Vec<u64>,
}

impl Contender {
    pub(super) async fn run<E, I>(self, enter: &(impl Fn(usize, Keys, Instant) -> E + Sync)) -> Part
    where
        E: Future<Output = Result<I, Missed>> + Send,
        I: Inside,
    {
        let mut part = Part::default();
        let place = self.number % self.contest.keys.max(1);
        let key = Keys::one(format!("contended {place}"));
        while Instant::now() < self.end {
            let asked = Instant::now();
            let entered = enter(self.number, key.clone(), self.end).await;
            part.waits.push(u64::try_from(asked.elapsed().as_micros()).unwrap_or(LONGEST));
            match entered {
                Ok(inside) => {
                    let seen = self.witness.enter(place);
                    hold(self.contest.hold).await;
                    part.violations += u64::from(seen.found_another());
                    drop(seen);
                    let held = inside.leave().await;
                    part.held += u64::from(held);
                    part.failures += u64::from(!held);
                    sleep(self.contest.think).await;
                }
                Err(Missed::Ended) => {}
                Err(Missed::Failed) => {
                    part.failures += 1;
                    // What fails at once would be tried a million times.
                    sleep_until((Instant::now() + POLL / 10).min(self.end)).await;
                }
            }
        }
        part
    }
}

/// Asks until it has the key, with a pause of any length after each no.
pub(super) async fn poll(locks: &Locks, key: &Keys, end: Instant) -> Result<Guard, LockError> {
    loop {
        match locks.try_lock(key, Request::until(end)).await {
            Err(LockError::Busy { .. }) if Instant::now() < end => {}
            answer => return answer,
        }
        let pause = rand::rng().random_range(Duration::ZERO..POLL);
        sleep_until((Instant::now() + pause).min(end)).await;
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

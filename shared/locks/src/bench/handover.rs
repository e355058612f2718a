//! Many handovers of one key.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{task::JoinSet, time::Instant};

use crate::{Keys, LockError, Locks, Request};

/// Hands one key over so many times between so many tasks; returns the longest wait. A wake-up that gets lost shows as a wait
/// of 200 ms more, or of the rest of a time to live.
///
/// # Errors
/// A lock was not to be had within a minute.
pub async fn hand_over(locks: Vec<Locks>, tasks: usize, times: u64) -> Result<Duration, LockError> {
    let left = Arc::new(AtomicU64::new(times));
    let mut all = JoinSet::new();
    for task in 0..tasks {
        let (locks, left) = (locks[task % locks.len()].clone(), Arc::clone(&left));
        all.spawn(async move {
            let mut longest = Duration::ZERO;
            while left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok() {
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

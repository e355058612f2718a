//! How busy the machine is, as a test feels it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    task::AbortHandle,
    time::{Instant, sleep_until},
};

/// Between two looks.
const TICK: Duration = Duration::from_millis(1);
/// In how many turns of threads and processes, each of which may have to wait as a timer has, a thing is done.
const TURNS: u32 = 4;

/// Watches how late the timers of a runtime come, until it is dropped. What a test holds to a time it holds to that much
/// more: on a quiet machine to some milliseconds.
#[derive(Debug)]
pub struct Pauses {
    longest_micros: Arc<AtomicU64>,
    task: AbortHandle,
}

impl Pauses {
    /// Begins.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn watch() -> Self {
        let longest_micros = Arc::new(AtomicU64::new(0));
        let task = tokio::spawn(look_for_ever(longest_micros.clone())).abort_handle();
        Self { longest_micros, task }
    }

    /// By how much what takes no time may have been late since: a few times what a timer was.
    pub fn allowance(&self) -> Duration {
        Duration::from_micros(self.longest_micros.load(Ordering::Relaxed)) * TURNS
    }
}

impl Drop for Pauses {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn look_for_ever(longest_micros: Arc<AtomicU64>) {
    loop {
        let due = Instant::now() + TICK;
        sleep_until(due).await;
        let late = u64::try_from(due.elapsed().as_micros()).unwrap_or(u64::MAX);
        longest_micros.fetch_max(late, Ordering::Relaxed);
    }
}

//! Leaving a server alone that does not answer.

use std::{
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    time::Duration,
};

use rand::Rng as _;

/// The shortest pause before a probe.
const FIRST: Duration = Duration::from_millis(50);

/// Counts faults in a row, and opens after some.
#[derive(Debug)]
pub(super) struct Breaker {
    threshold: u32,
    faults: AtomicU32,
    open: AtomicBool,
}

impl Breaker {
    pub(super) fn new(threshold: u32) -> Self {
        Self { threshold, faults: AtomicU32::new(0), open: AtomicBool::new(false) }
    }

    /// Whether the server is left alone.
    pub(super) fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire)
    }

    /// The server has answered. That does not close it: only who probes does, when all that was missed has been told.
    pub(super) fn answered(&self) {
        // Most often it is 0, and then nobody else's copy of it need be taken away.
        if self.faults.load(Ordering::Relaxed) != 0 {
            self.faults.store(0, Ordering::Relaxed);
        }
    }

    /// It has not; whether this opened the breaker.
    pub(super) fn failed(&self) -> bool {
        let faults = self.faults.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        faults >= self.threshold && !self.open.swap(true, Ordering::AcqRel)
    }

    /// Opens it, whatever was counted; whether this did.
    pub(super) fn open(&self) -> bool {
        !self.open.swap(true, Ordering::AcqRel)
    }

    pub(super) fn close(&self) {
        self.faults.store(0, Ordering::Relaxed);
        self.open.store(false, Ordering::Release);
    }
}

/// How long to wait before this probe, the first being 0: twice as long each time, and at random between a half and all of
/// it, so that processes do not probe together.
pub(super) fn pause(probe: u32, longest: Duration) -> Duration {
    let bound = FIRST.saturating_mul(1 << probe.min(10)).min(longest.max(FIRST));
    rand::rng().random_range(bound / 2..=bound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_once_after_faults_in_a_row() {
        let breaker = Breaker::new(3);
        assert!(!breaker.failed() && !breaker.failed());
        breaker.answered();
        assert!(!breaker.failed() && !breaker.failed() && !breaker.is_open());
        assert!(breaker.failed() && breaker.is_open());
        assert!(!breaker.failed(), "it is open already");
        breaker.answered();
        assert!(breaker.is_open(), "an answer that was on its way does not close it");
        breaker.close();
        assert!(!breaker.is_open() && !breaker.failed());
    }

    #[test]
    fn probes_come_later_and_later_and_not_together() {
        let longest = Duration::from_secs(1);
        for probe in 0..40 {
            let bound = FIRST.saturating_mul(1 << probe.min(10)).min(longest);
            let pauses: Vec<_> = (0..50).map(|_| pause(probe, longest)).collect();
            assert!(pauses.iter().all(|pause| (bound / 2..=bound).contains(pause)));
            assert!(pauses.iter().any(|pause| *pause != pauses[0]));
        }
        assert!(pause(3, Duration::ZERO) <= FIRST);
    }
}

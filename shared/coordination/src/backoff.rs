//! Pauses between attempts.

use std::time::Duration;

use rand::Rng;

/// The bound of the first pause.
const FIRST: Duration = Duration::from_millis(20);
/// The bound of every later pause, at most.
const LONGEST: Duration = Duration::from_secs(2);

/// Exponential backoff with full jitter: a pause is anything from nothing to a bound that doubles from 20 ms to 2 s.
///
/// Full jitter, so that clients which lost the same coordinator at the same moment do not come back together
/// (Brooker, "Exponential Backoff And Jitter", 2015).
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// How long to wait after another failure.
    pub(crate) fn pause(&mut self) -> Duration {
        let bound = self.bound();
        self.failures = self.failures.saturating_add(1);
        rand::rng().random_range(Duration::ZERO..=bound)
    }

    /// Waits after another failure.
    pub(crate) async fn wait(&mut self) {
        tokio::time::sleep(self.pause()).await;
    }

    fn bound(&self) -> Duration {
        FIRST.saturating_mul(2u32.saturating_pow(self.failures)).min(LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_double_and_pauses_stay_below() {
        let mut backoff = Backoff::default();
        let mut bounds = Vec::new();
        for _ in 0..10 {
            bounds.push(backoff.bound().as_millis());
            let bound = backoff.bound();
            assert!(backoff.pause() <= bound);
        }
        assert_eq!(bounds, [20, 40, 80, 160, 320, 640, 1_280, 2_000, 2_000, 2_000]);
    }
}

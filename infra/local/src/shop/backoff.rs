//! How long a part that ended by itself waits for its next life.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(10);
/// A life as long as this counts as healthy: the next wait is the first one again.
const HEALTHY: Duration = Duration::from_secs(30);

/// Waits that double from 0.2 s to 10 s while lives stay short.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    short_lives: u32,
}

impl Backoff {
    /// The wait after a life of this length.
    pub(super) fn after(&mut self, life: Duration) -> Duration {
        if life >= HEALTHY {
            self.short_lives = 0;
        }
        let wait = FIRST.saturating_mul(2u32.saturating_pow(self.short_lives)).min(LONGEST);
        self.short_lives = self.short_lives.saturating_add(1);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_until_a_life_was_healthy() {
        let mut backoff = Backoff::default();
        let waits: Vec<_> = (0..8).map(|_| backoff.after(Duration::ZERO).as_millis()).collect();
        assert_eq!(waits, [200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]);
        assert_eq!(backoff.after(HEALTHY), FIRST);
        assert_eq!(backoff.after(Duration::ZERO), FIRST * 2);
    }
}

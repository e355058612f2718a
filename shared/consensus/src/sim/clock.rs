//! Clocks that don't run alike.

pub(super) const MICROSECOND: u64 = 1_000;
pub(super) const MILLISECOND: u64 = 1_000_000;
pub(super) const SECOND: u64 = 1_000_000_000;

const MILLION: i128 = 1_000_000;

/// A monotonic clock that runs too fast or too slow, and began long ago. Simulated time itself is true time, which
/// nobody in the simulation sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Clock {
    /// Parts in a million by which it is too fast.
    drift: i32,
    begun: u64,
}

impl Clock {
    pub(super) fn new(drift: i32, begun: u64) -> Self {
        Self { drift, begun }
    }

    /// What it shows at a true time.
    pub(super) fn read(&self, now: u64) -> u64 {
        self.begun + scale(now, MILLION + i128::from(self.drift), MILLION)
    }

    /// The first true time at which it shows at least this.
    pub(super) fn when(&self, shown: u64) -> u64 {
        let rate = MILLION + i128::from(self.drift);
        let guess = scale(shown.saturating_sub(self.begun), MILLION, rate);
        (guess..).find(|time| self.read(*time) >= shown).unwrap_or(guess)
    }
}

fn scale(time: u64, by: i128, of: i128) -> u64 {
    u64::try_from(i128::from(time) * by / of).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_clock_shows_a_time_first_when_it_says(
            drift in -50_000..50_000_i32, begun in 0..SECOND, shown in SECOND..1_000 * SECOND,
        ) {
            let clock = Clock::new(drift, begun);
            let first = clock.when(shown);
            prop_assert!(clock.read(first) >= shown);
            prop_assert!(clock.read(first - 1) < shown);
        }
    }
}

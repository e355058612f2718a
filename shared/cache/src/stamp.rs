//! What a cached value says about how new it is.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How new a value is, by the database it was read from and by the clock.
///
/// Positions are PostgreSQL's 64-bit transaction ids, which a primary and its replicas share; a write's position is its own
/// id + 1. A snapshot is exact in them: all ids below its `xmin` have ended. An id that was given but not written to disk can
/// be given again after a crash: whoever reads must claim to see no more than is known to be on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stamp {
    /// Every write at this position or before it is in the value: the snapshot's `xmin`, or less.
    pub sees: u64,
    /// The position of the newest write that the value depends on ("relevant writes": Terry et al., *Session Guarantees for
    /// Weakly Consistent Replicated Data*, 1994); 0 for what is not there.
    pub shows: u64,
    /// Milliseconds since 1970 at which it was read, by the reader's clock.
    pub read_at: u64,
    /// The version of the value, greater with every change of it; 0 where it has none.
    pub version: u64,
}

impl Stamp {
    /// Whether the value includes every write up to a position.
    pub fn satisfies(&self, position: u64) -> bool {
        self.sees >= position
    }

    /// How long ago it was read, by this process's clock; zero if that stands before the reader's.
    pub fn age(&self) -> Duration {
        Duration::from_millis(now().saturating_sub(self.read_at))
    }
}

/// The time by the clock, as [`Stamp::read_at`] has it: milliseconds since 1970.
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_seen_from_itself_on() {
        let stamp = Stamp { sees: 100, ..Stamp::default() };
        assert!(stamp.satisfies(100) && stamp.satisfies(0));
        assert!(!stamp.satisfies(101), "a later write");
    }

    #[test]
    fn a_clock_that_stands_behind_makes_no_age() {
        let stamp = Stamp { read_at: now() + 10_000, ..Stamp::default() };
        assert_eq!(stamp.age(), Duration::ZERO);
        assert!(Stamp { read_at: now() - 2_000, ..stamp }.age() >= Duration::from_secs(2));
    }
}

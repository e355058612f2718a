//! What a cached value says about how new it is.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How new a value is, by the database it was read from and by the clock.
///
/// Positions are PostgreSQL's 64-bit transaction ids, which a primary and its replicas share; a write's position is its own
/// id + 1. A snapshot is exact in them: all ids below its `xmin` have ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stamp {
    /// Every write at this position or before it is in the value: the snapshot's `xmin`.
    pub sees: u64,
    /// The position of the newest write that the value depends on ("relevant writes": Terry et al., *Session Guarantees for
    /// Weakly Consistent Replicated Data*, 1994); 0 for what is not there.
    pub shows: u64,
    /// Microseconds since 1970 at which the server that was read from had started. An id that was given but not written to
    /// disk can be given again after a crash, so positions of a later start are not seen by reads of an earlier one.
    /// [`Stamp::EVERY_INCARNATION`] for a replica, which sees only what was written.
    pub incarnation: i64,
    /// Milliseconds since 1970 at which it was read, by the reader's clock.
    pub read_at: u64,
    /// The version of the value, greater with every change of it; 0 where it has none.
    pub version: u64,
}

impl Stamp {
    /// The incarnation of what a replica shows.
    pub const EVERY_INCARNATION: i64 = i64::MAX;

    /// Whether the value includes every write up to a position, of a server that had started at `incarnation`.
    pub fn satisfies(&self, position: u64, incarnation: i64) -> bool {
        self.sees >= position && self.incarnation >= incarnation
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
    fn a_position_is_seen_from_itself_on_and_by_its_own_incarnation() {
        let stamp = Stamp { sees: 100, incarnation: 5, ..Stamp::default() };
        assert!(stamp.satisfies(100, 5) && stamp.satisfies(0, 0));
        assert!(!stamp.satisfies(101, 5), "a later write");
        assert!(!stamp.satisfies(100, 6), "a later start may have given the same ids again");
        assert!(Stamp { incarnation: Stamp::EVERY_INCARNATION, ..stamp }.satisfies(100, 6), "a replica");
    }

    #[test]
    fn a_clock_that_stands_behind_makes_no_age() {
        let stamp = Stamp { read_at: now() + 10_000, ..Stamp::default() };
        assert_eq!(stamp.age(), Duration::ZERO);
        assert!(Stamp { read_at: now() - 2_000, ..stamp }.age() >= Duration::from_secs(2));
    }
}

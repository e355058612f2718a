//! How far a replica is known to be.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// The most looks at the primary that are remembered while the replica has not come as far.
const MOST: usize = 1_024;

/// How far a replica is known to be, by its answers, and how old that is, by looks at the primary.
///
/// A look at the primary says: all that was committed by then is before this position. When the replica sees that much, it is
/// no older than the look, whatever the clocks of either database say.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// The greatest position that it has said to see.
    sees: u64,
    /// Looks at the primary that it has not reached, the oldest first.
    ahead: VecDeque<(Instant, u64)>,
    /// The time of the newest look that it has reached.
    reached: Option<Instant>,
}

impl Watch {
    /// Notes where the primary was at a time, or later.
    pub(super) fn looked(&mut self, at: Instant, ends: u64) {
        // Of one that lags for longer than is remembered, only the oldest looks matter: the others would be found to be
        // passed when these are.
        if self.ahead.len() < MOST {
            self.ahead.push_back((at, ends));
        }
        self.settle();
    }

    /// Notes what the replica has said to see.
    pub(super) fn heard(&mut self, sees: u64) {
        self.sees = self.sees.max(sees);
        self.settle();
    }

    /// The greatest position that the replica has said to see.
    pub(super) fn sees(&self) -> u64 {
        self.sees
    }

    /// How old what the replica shows is at most; `None` while that is not known.
    pub(super) fn age(&self, now: Instant) -> Option<Duration> {
        self.reached.map(|reached| now.saturating_duration_since(reached))
    }

    /// Forgets what was known of it: it may be another one by now.
    pub(super) fn lost(&mut self) {
        *self = Self::default();
    }

    fn settle(&mut self) {
        while let Some(&(at, ends)) = self.ahead.front()
            && ends <= self.sees
        {
            self.reached = Some(at);
            self.ahead.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replica_is_as_old_as_the_newest_look_that_it_has_reached() {
        let (mut watch, start) = (Watch::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(watch.age(at(0)), None);
        watch.looked(at(1), 100);
        watch.looked(at(2), 200);
        assert_eq!(watch.age(at(3)), None, "it has said nothing");
        watch.heard(150);
        assert_eq!(watch.age(at(3)), Some(Duration::from_secs(2)));
        watch.heard(120);
        assert_eq!((watch.sees(), watch.age(at(9))), (150, Some(Duration::from_secs(8))), "nothing goes back");
        watch.heard(200);
        assert_eq!(watch.age(at(9)), Some(Duration::from_secs(7)));
        watch.looked(at(8), 200);
        assert_eq!(watch.age(at(9)), Some(Duration::from_secs(1)), "nothing was written since");
        watch.lost();
        assert_eq!((watch.sees(), watch.age(at(9))), (0, None));
    }

    #[test]
    fn what_is_remembered_of_a_long_lag_is_bounded() {
        let (mut watch, start) = (Watch::default(), Instant::now());
        for n in 1..=5_000 {
            watch.looked(start + Duration::from_secs(n), n);
        }
        assert_eq!(watch.ahead.len(), MOST);
        watch.heard(5_000);
        assert!(watch.age(start + Duration::from_secs(5_000)) > Some(Duration::from_secs(3_000)), "older is safe");
        watch.looked(start + Duration::from_secs(5_001), 5_000);
        assert_eq!(watch.age(start + Duration::from_secs(5_001)), Some(Duration::ZERO));
    }
}

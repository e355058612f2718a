//! How far a replica is known to be.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// The most looks at the primary that are remembered.
const MOST: usize = 1_024;

/// How far a replica is known to be, by its answers, and how old that is, by looks at the primary.
///
/// A look at the primary says: all that was committed by then is before this position. Who sees that much is no older than the
/// look, whatever the clocks of either database say.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// The greatest position that the replica has said to see.
    sees: u64,
    /// Looks at the primary, the oldest first.
    looks: VecDeque<(Instant, u64)>,
}

impl Watch {
    /// Notes where the primary was at a time, or later.
    pub(super) fn looked(&mut self, at: Instant, ends: u64) {
        match self.looks.back_mut() {
            // Nothing was written since.
            Some(last) if last.1 == ends => last.0 = at,
            // One that has fallen back was looked at before its crash; what is before it tells nothing more.
            Some(last) if last.1 > ends => {
                self.looks.clear();
                self.looks.push_back((at, ends));
            }
            _ => self.looks.push_back((at, ends)),
        }
        if self.looks.len() > MOST {
            // Every other one: what was long ago is known less exactly, and never too young.
            let mut number = 0;
            self.looks.retain(|_| {
                number += 1;
                number % 2 == 1
            });
        }
    }

    /// Notes what the replica has said to see.
    pub(super) fn heard(&mut self, sees: u64) {
        self.sees = self.sees.max(sees);
    }

    /// The greatest position that the replica has said to see.
    pub(super) fn sees(&self) -> u64 {
        self.sees
    }

    /// How old what sees so much is at most; `None` while that is not known.
    pub(super) fn age(&self, sees: u64, now: Instant) -> Option<Duration> {
        let reached = self.looks.partition_point(|(_, ends)| *ends <= sees).checked_sub(1)?;
        self.looks.get(reached).map(|(at, _)| now.saturating_duration_since(*at))
    }

    /// Forgets how far the replica is: when it is back it need not have come as far again.
    pub(super) fn lost(&mut self) {
        self.sees = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_sees_so_much_is_as_old_as_the_newest_look_that_it_has_reached() {
        let (mut watch, start) = (Watch::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(watch.age(100, at(0)), None, "nothing was looked at");
        watch.looked(at(1), 100);
        watch.looked(at(2), 200);
        assert_eq!(watch.age(99, at(3)), None);
        assert_eq!(watch.age(150, at(3)), Some(Duration::from_secs(2)));
        assert_eq!(watch.age(200, at(3)), Some(Duration::from_secs(1)));
        watch.looked(at(8), 200);
        assert_eq!(watch.age(200, at(9)), Some(Duration::from_secs(1)), "nothing was written since");
        watch.looked(at(10), 120);
        assert_eq!(watch.age(119, at(11)), None, "ids were given again");
    }

    #[test]
    fn what_is_known_of_the_replica_does_not_go_back_until_it_is_lost() {
        let mut watch = Watch::default();
        watch.heard(150);
        watch.heard(120);
        assert_eq!(watch.sees(), 150);
        watch.looked(Instant::now(), 100);
        watch.lost();
        assert_eq!(watch.sees(), 0);
        assert!(watch.age(100, Instant::now()).is_some(), "the primary was where it was");
    }

    #[test]
    fn what_is_remembered_is_bounded_and_never_makes_anything_younger() {
        let (mut watch, start) = (Watch::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        for n in 1..=5_000 {
            watch.looked(at(n), n);
        }
        assert!(watch.looks.len() <= MOST);
        for seen in [1, 2, 1_234, 4_999, 5_000] {
            let age = watch.age(seen, at(5_000));
            assert!(age.is_none_or(|age| age >= Duration::from_secs(5_000 - seen)), "{seen} {age:?}");
            assert!(age.is_some_and(|age| age <= Duration::from_secs(5_000 - seen + 1_024)), "{seen} {age:?}");
        }
    }
}

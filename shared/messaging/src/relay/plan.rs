//! What to do about buckets, decided from what is seen: without I/O.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use tokio::time::Instant;

use crate::BUCKETS;

/// A bucket that nobody has relayed for so long is relayed by whoever sees it first, elected or not: its elected owner is
/// dead, and its lease not over; or it can't reach the database.
const ORPHANED: Duration = Duration::from_millis(1_500);

/// A set of buckets.
pub(super) type Buckets = BTreeSet<u16>;

/// The locks as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// Relays that live, this one among them.
    pub(super) relays: usize,
    /// Buckets that this instance has.
    pub(super) owned: Buckets,
    /// Buckets that others have.
    pub(super) elsewhere: Buckets,
    /// Buckets that others are elected for and want.
    pub(super) wanted_elsewhere: Buckets,
    /// Buckets that this instance has said it wants.
    pub(super) wanted: Buckets,
}

/// What is to be done, in this order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) give_up: Buckets,
    pub(super) take: Buckets,
    /// What to want, and no more than that.
    pub(super) want: Buckets,
}

/// Decides. `elected` is what this instance is the elected owner of; `None` where nobody can be elected. `orphaned` is what
/// nobody has had for a while.
///
/// Where there are elections, an instance takes what it is elected for, and what is orphaned; it gives up only what another
/// one is elected for *and asks for*, so that a bucket never lies idle for an owner that does not come. Without elections
/// every instance has its even share.
pub(super) fn decide(seen: &Seen, elected: Option<&Buckets>, orphaned: &Buckets) -> Plan {
    let free: Buckets = (0..BUCKETS).filter(|b| !seen.owned.contains(b) && !seen.elsewhere.contains(b)).collect();
    let Some(elected) = elected else { return decide_evenly(seen, &free) };
    let give_up = seen.owned.intersection(&seen.wanted_elsewhere).filter(|b| !elected.contains(b)).copied().collect();
    let take = free.iter().filter(|b| elected.contains(b) || orphaned.contains(b)).copied().collect();
    let want = elected.intersection(&seen.elsewhere).copied().collect();
    Plan { give_up, take, want }
}

fn decide_evenly(seen: &Seen, free: &Buckets) -> Plan {
    let share = usize::from(BUCKETS).div_ceil(seen.relays.max(1));
    // Others may have met coordinators again, and this one not yet.
    let mut kept = &seen.owned - &seen.wanted_elsewhere;
    while kept.len() > share {
        kept.pop_last();
    }
    let give_up = &seen.owned - &kept;
    let missing = share - kept.len();
    let take = free.iter().filter(|b| !seen.wanted_elsewhere.contains(b)).take(missing).copied().collect();
    Plan { give_up, take, want: Buckets::new() }
}

/// Since when nobody has had a bucket.
#[derive(Debug, Default)]
pub(super) struct Orphans(BTreeMap<u16, Instant>);

impl Orphans {
    /// What nobody has had for a while.
    pub(super) fn see(&mut self, seen: &Seen, now: Instant) -> Buckets {
        let free = |bucket: &u16| !seen.owned.contains(bucket) && !seen.elsewhere.contains(bucket);
        self.0.retain(|bucket, _| free(bucket));
        for bucket in (0..BUCKETS).filter(free) {
            self.0.entry(bucket).or_insert(now);
        }
        let is_orphaned = |(_, since): &(&u16, &Instant)| now.saturating_duration_since(**since) >= ORPHANED;
        self.0.iter().filter(is_orphaned).map(|(bucket, _)| *bucket).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn buckets(numbers: impl IntoIterator<Item = u16>) -> Buckets {
        numbers.into_iter().collect()
    }

    #[test]
    fn the_elected_owner_asks_and_the_other_gives_up_only_then() {
        let other = Seen { relays: 2, owned: buckets(0..8), ..Seen::default() };
        let (none, mine) = (Buckets::new(), buckets(0..4));
        assert_eq!(decide(&other, Some(&mine), &none), Plan::default(), "nobody has come for the rest");
        let owner = Seen { relays: 2, elsewhere: buckets(0..8), ..Seen::default() };
        let plan = decide(&owner, Some(&buckets(4..8)), &none);
        assert_eq!(plan, Plan { want: buckets(4..8), ..Plan::default() });
        let asked = Seen { wanted_elsewhere: buckets(4..8), ..other };
        let plan = decide(&asked, Some(&mine), &none);
        assert_eq!(plan, Plan { give_up: buckets(4..8), ..Plan::default() });
    }

    #[test]
    fn what_is_free_goes_to_its_owner_at_once_and_to_others_after_a_while() {
        let seen = Seen { relays: 1, owned: buckets(0..4), ..Seen::default() };
        let mut orphans = Orphans::default();
        let begun = Instant::now();
        let plan = decide(&seen, Some(&buckets([4])), &orphans.see(&seen, begun));
        assert_eq!(plan.take, buckets([4]));
        let plan = decide(&seen, Some(&buckets([4])), &orphans.see(&seen, begun + ORPHANED));
        assert_eq!(plan.take, buckets(4..8));
    }

    #[test]
    fn a_bucket_is_an_orphan_only_after_a_while_without_anybody() {
        let (free, taken) = (Seen::default(), Seen { elsewhere: buckets(0..8), ..Seen::default() });
        let mut orphans = Orphans::default();
        let begun = Instant::now();
        orphans.see(&free, begun);
        orphans.see(&taken, begun + ORPHANED / 2);
        assert!(orphans.see(&free, begun + ORPHANED).is_empty());
        assert_eq!(orphans.see(&free, begun + ORPHANED * 2).len(), usize::from(BUCKETS));
    }

    #[test]
    fn without_elections_shares_are_even() {
        let seen = Seen { relays: 2, owned: buckets(0..8), ..Seen::default() };
        assert_eq!(decide(&seen, None, &Buckets::new()).give_up, buckets(4..8));
        let seen = Seen { relays: 2, elsewhere: buckets(0..4), ..Seen::default() };
        assert_eq!(decide(&seen, None, &Buckets::new()).take, buckets(4..8));
    }

    prop_compose! {
        fn seen()(
            relays in 1usize..10,
            places in prop::collection::vec(0u8..3, usize::from(BUCKETS)),
            wanted_elsewhere in prop::collection::btree_set(0..BUCKETS, 0..8),
        ) -> Seen {
            let at = |place| (0..BUCKETS).filter(|b| places[usize::from(*b)] == place).collect();
            Seen { relays, owned: at(0), elsewhere: at(1), wanted_elsewhere, wanted: Buckets::new() }
        }
    }

    proptest! {
        #[test]
        fn nothing_is_given_up_in_vain_nor_taken_from_others(
            seen in seen(),
            elected in prop::option::of(prop::collection::btree_set(0..BUCKETS, 0..8)),
            orphaned in prop::collection::btree_set(0..BUCKETS, 0..8),
        ) {
            let plan = decide(&seen, elected.as_ref(), &orphaned);
            prop_assert!(plan.give_up.is_subset(&seen.owned));
            prop_assert!(plan.take.is_disjoint(&seen.owned) && plan.take.is_disjoint(&seen.elsewhere));
            prop_assert!(plan.want.is_subset(&seen.elsewhere));
            if let Some(elected) = &elected {
                prop_assert!(plan.give_up.is_subset(&seen.wanted_elsewhere));
                prop_assert!(plan.give_up.is_disjoint(elected));
                let asked = |b: &u16| seen.owned.contains(b) || plan.take.contains(b) || plan.want.contains(b);
                prop_assert!(elected.iter().all(asked));
            }
        }
    }
}

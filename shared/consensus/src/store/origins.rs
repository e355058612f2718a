//! Which batches have been applied, so that one that is proposed again isn't applied again.

use std::collections::{BTreeMap, BTreeSet};

use crate::api::logpb;
use crate::faults::{self, Fault};

/// What is known of every process that ever proposed.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Origins(BTreeMap<u64, Origin>);

#[derive(Clone, PartialEq, Debug, Default)]
struct Origin {
    boot: u64,
    /// Batches below have been answered, whatever came of them: none of them may be applied from now on.
    settled: u64,
    /// Those applied among the others.
    applied: BTreeSet<u64>,
}

impl Origins {
    pub(super) fn restore(origins: &[logpb::Origin]) -> Self {
        let origin = |origin: &logpb::Origin| {
            let applied = origin.applied.iter().copied().collect();
            (origin.id, Origin { boot: origin.boot, settled: origin.settled, applied })
        };
        Self(origins.iter().map(origin).collect())
    }

    pub(super) fn snapshot(&self) -> Vec<logpb::Origin> {
        let origin = |(&id, origin): (&u64, &Origin)| logpb::Origin {
            id,
            boot: origin.boot,
            settled: origin.settled,
            applied: origin.applied.iter().copied().collect(),
        };
        self.0.iter().map(origin).collect()
    }

    /// Whether a batch is to be applied, which is then noted.
    pub(super) fn accept(&mut self, id: u64, boot: u64, number: u64, settled: u64) -> bool {
        let origin = self.0.entry(id).or_default();
        if boot > origin.boot {
            *origin = Origin { boot, ..Origin::default() };
        } else if boot < origin.boot {
            return faults::active(Fault::DuplicateProposal);
        }
        if settled > origin.settled {
            origin.settled = settled;
            origin.applied = origin.applied.split_off(&settled);
        }
        let fresh = number >= origin.settled && origin.applied.insert(number);
        fresh || faults::active(Fault::DuplicateProposal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_accepted_once() {
        let mut origins = Origins::default();
        assert!(origins.accept(1, 1, 5, 0));
        assert!(!origins.accept(1, 1, 5, 0));
        assert!(origins.accept(1, 1, 4, 0), "an earlier one may come later");
        assert!(origins.accept(2, 1, 5, 0), "another origin counts for itself");
    }

    #[test]
    fn what_is_settled_is_forgotten_and_stays_refused() {
        let mut origins = Origins::default();
        (1..=10).for_each(|number| assert!(origins.accept(1, 1, number, 0)));
        assert!(origins.accept(1, 1, 11, 10));
        assert_eq!(origins.0[&1].applied, BTreeSet::from([10, 11]));
        assert!(!origins.accept(1, 1, 3, 0));
        assert!(!origins.accept(1, 1, 10, 0));
    }

    #[test]
    fn a_new_start_replaces_the_old_one() {
        let mut origins = Origins::default();
        assert!(origins.accept(1, 2, 7, 7));
        assert!(!origins.accept(1, 1, 8, 0), "left over from the start before");
        assert!(origins.accept(1, 3, 1, 0));
        assert_eq!(Origins::restore(&origins.snapshot()), origins);
    }
}

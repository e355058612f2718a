//! Candidates that enter several elections at once, each a slot of which one at a time may be inside.

use std::{
    collections::BTreeSet,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use coordination::{Cluster, Name, election};
use futures::future;
use proptest::{
    collection::{btree_set, vec},
    prelude::*,
    test_runner::TestRunner,
};
use tokio::{runtime::Handle, task};

use crate::stage::{TTL, cluster, soon};

const SLOTS: usize = 5;
/// How often each holder enters: the second time behind whoever came meanwhile.
const TIMES: usize = 2;

/// The slots that a holder wants, by their numbers.
type Wanted = BTreeSet<usize>;

#[derive(Default)]
struct Slots {
    occupied: [AtomicBool; SLOTS],
    /// The terms of those who were inside, in turn.
    terms: [Mutex<Vec<u64>>; SLOTS],
}

impl Slots {
    fn enter(&self, wanted: &Wanted, term: u64) {
        for &slot in wanted {
            assert!(!self.occupied[slot].swap(true, Ordering::SeqCst), "two are in slot {slot} at once");
            self.terms[slot].lock().unwrap().push(term);
        }
    }

    fn leave(&self, wanted: &Wanted) {
        wanted.iter().for_each(|&slot| self.occupied[slot].store(false, Ordering::SeqCst));
    }
}

async fn enters_and_leaves(cluster: &Cluster, slots: &Slots, holder: usize, wanted: &Wanted) {
    let name = |slot: &usize| format!("slot-{slot}").parse::<Name>().unwrap();
    let elections: Vec<_> = wanted.iter().map(|slot| (name(slot), holder.to_string())).collect();
    for _ in 0..TIMES {
        let leadership = election::campaign_in_all(cluster, &elections, TTL * 10).await;
        slots.enter(wanted, leadership.term());
        // For as long as an answer takes, in which others could come.
        let leader = election::leader(cluster, &elections[0].0).await.unwrap().unwrap();
        assert_eq!((leader.term, leader.candidate), (leadership.term(), holder.to_string()));
        slots.leave(wanted);
        leadership.resign().await;
    }
}

/// All get through, whatever they want: were they to wait in a circle, none of those in it would.
async fn all_get_through(holders: &[Wanted]) {
    let (cluster, slots) = (cluster().await, Slots::default());
    let all = holders.iter().enumerate().map(|(n, wanted)| enters_and_leaves(&cluster, &slots, n, wanted));
    soon("all have been inside", future::join_all(all)).await;
    for (slot, terms) in slots.terms.iter().enumerate() {
        let terms = terms.lock().unwrap();
        let expected = TIMES * holders.iter().filter(|wanted| wanted.contains(&slot)).count();
        // In order of terms is in the order in which they came.
        assert!(terms.len() == expected && terms.is_sorted(), "slot {slot}: {terms:?} of {expected}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_two_share_a_slot_and_none_waits_for_ever() {
    let wanted = btree_set(0..SLOTS, 1..=SLOTS);
    let config = ProptestConfig { failure_persistence: None, max_shrink_iters: 8, ..ProptestConfig::with_cases(24) };
    let run = || {
        TestRunner::new(config).run(&vec(wanted, 2..=6), |holders| {
            Handle::current().block_on(all_get_through(&holders));
            Ok(())
        })
    };
    task::block_in_place(run).unwrap();
}

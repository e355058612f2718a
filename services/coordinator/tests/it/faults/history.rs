//! What clients saw, and whether it can be explained.

use std::collections::{BTreeMap, HashMap};

use consensus::sim::linearizable::{Call, Operation, Outcome, Rejection, check_key};

/// A call with all that is known of it.
pub(super) struct Record {
    pub(super) key: String,
    pub(super) call: Call<Operation<u64>, Outcome<u64>>,
    /// The store's revision with the answer.
    pub(super) revision: Option<i64>,
    /// Whether that is a revision of its own.
    pub(super) changed: bool,
}

/// What clients saw.
#[derive(Default)]
pub(super) struct History {
    pub(super) records: Vec<Record>,
    /// Keys that were put once, and acknowledged: what they hold.
    pub(super) journal: HashMap<String, u64>,
}

impl History {
    pub(super) fn extend(&mut self, other: Self) {
        self.records.extend(other.records);
        self.journal.extend(other.journal);
    }

    pub(super) fn answered(&self) -> usize {
        self.records.iter().filter(|record| record.call.returned.is_some()).count()
    }

    /// Fails where no order of the calls explains all answers, key by key.
    pub(super) fn assert_linearizable(&self) {
        let mut keys: BTreeMap<&str, Vec<_>> = BTreeMap::new();
        self.records.iter().for_each(|record| keys.entry(&record.key).or_default().push(record.call.clone()));
        for (key, mut calls) in keys {
            calls.sort_by_key(|call| call.invoked);
            if let Err(rejection) = check_key(&calls) {
                let around = match &rejection {
                    Rejection::NotLinearizable { explained, blocked } => {
                        let last = explained.iter().rev().take(12).rev();
                        last.chain(blocked).map(|call| format!("{call}: {:?}\n", calls[*call])).collect()
                    }
                    Rejection::TooLarge(_) => String::new(),
                };
                panic!("{key}, of {} calls: {rejection}\n{around}", calls.len());
            }
        }
    }

    /// Fails where revisions are not in the order of time, over all keys: each change has one of its own, and whatever
    /// begins after an answer sees the answer's revision or a later one.
    pub(super) fn assert_revisions_in_order(&self) {
        let told = |record: &Record| Some((record.revision?, record.changed, record.call.returned.as_ref()?.0));
        let mut answers: Vec<_> = self.records.iter().filter_map(|record| Some((record, told(record)?))).collect();
        // Whoever has seen a revision comes after the change that made it.
        answers.sort_by_key(|(_, (revision, changed, _))| (*revision, !changed));
        // Of all answers with an earlier revision: the last beginning. And of those with this one, which have no order.
        let (mut before, mut here, mut at, mut last_change) = (0, 0, 0, 0);
        for (record, (revision, changed, returned)) in answers {
            assert!(!changed || revision > last_change, "two changes at revision {revision}");
            if revision > at {
                (before, at) = (before.max(here), revision);
            }
            assert!(returned >= before, "{}: {:?} has revision {revision}", record.key, record.call);
            here = here.max(record.call.invoked);
            if changed {
                (last_change, before) = (revision, before.max(record.call.invoked));
            }
        }
    }
}

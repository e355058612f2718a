//! The store does what a naive model does, purged or not, restored or not.

use bytes::Bytes;
use proptest::prelude::*;

use super::model::Model;
use super::*;
use crate::api::mvccpb::Event;
use crate::store::{HashKv, Position, Restore, Snapshot};

#[derive(Clone, Debug)]
enum Step {
    Apply(Operation),
    Read(RangeRequest),
    /// At most so many records.
    Purge(usize),
    /// Instead of the one before, if that isn't complete.
    BeginSnapshot,
    /// A chunk of about so many bytes.
    Chunk(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => requests::operation().prop_map(Step::Apply),
        6 => requests::range().prop_map(Step::Read),
        2 => (1..8_usize).prop_map(Step::Purge),
        1 => Just(Step::BeginSnapshot),
        4 => (1..200_usize).prop_map(Step::Chunk),
    ]
}

/// A snapshot under way, and what it has to be.
struct Taking {
    snapshot: Snapshot,
    chunks: Vec<Bytes>,
    model: Model,
    hashes: (u32, HashKv),
}

fn hashes(store: &Store) -> (u32, HashKv) {
    (store.hash(), store.hash_kv(0).expect("the current revision can always be hashed"))
}

impl Taking {
    fn begin(store: &mut Store, model: &Model) -> Self {
        let snapshot = store.begin_snapshot(Position::default());
        Self { snapshot, chunks: Vec::new(), model: model.clone(), hashes: hashes(store) }
    }

    /// False, when there is nothing more.
    fn chunk(&mut self, store: &Store, bytes: usize) -> bool {
        let chunk = store.snapshot_chunk(&mut self.snapshot, bytes);
        self.chunks.extend(chunk.clone());
        chunk.is_some()
    }

    fn check(self) {
        let mut restore = Restore::new(Limits::default());
        self.chunks.into_iter().for_each(|chunk| restore.push(chunk).expect("the chunk is whole"));
        let (mut store, _) = restore.finish().expect("the snapshot is complete");
        assert_eq!(hashes(&store), self.hashes);
        agree(&store, &self.model);
        while !store.purge(3) {}
        assert_eq!(hashes(&store), self.hashes);
        agree(&store, &self.model);
    }
}

/// Everything that can be seen of the store is what the model has.
fn agree(store: &Store, model: &Model) {
    assert_eq!((store.revision(), store.compact_revision()), (model.revision(), model.compacted));
    for revision in model.compacted.max(1)..=model.revision() {
        let request = RangeRequest { revision, ..range_request("\0", "\0") };
        assert_eq!(store.range(&request), model.range(&request), "at {revision}");
        let from = model.events[revision as usize..].iter().flatten().cloned();
        let seen = store.events(revision).expect("it isn't compacted").map(|event| event.event());
        assert_eq!(seen.collect::<Vec<Event>>(), from.collect::<Vec<_>>(), "from {revision}");
        for kv in model.states[revision as usize].values() {
            let previous = store.previous(&kv.key, revision + 1);
            assert_eq!(previous.as_ref(), Some(kv));
        }
    }
    assert!(store.leases().eq(model.leases.iter().map(|(&id, &ttl)| (id, ttl))));
    for &id in model.leases.keys() {
        let keys: Vec<Bytes> =
            store.lease(id).into_iter().flat_map(|lease| lease.keys()).map(Bytes::copy_from_slice).collect();
        assert!(model.attached(id).into_iter().eq(keys), "of lease {id}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn with_a_model_at_any_moment(steps in prop::collection::vec(step(), 1..60)) {
        let (mut store, mut replica, mut model) = (store(), store(), Model::new());
        let mut taking: Option<Taking> = None;
        for step in steps {
            match step {
                Step::Apply(operation) => {
                    let expected = model.apply(&operation);
                    prop_assert_eq!(&apply(&mut store, operation.clone()), &expected);
                    prop_assert_eq!(&apply(&mut replica, operation), &expected);
                }
                Step::Read(request) => prop_assert_eq!(store.range(&request), model.range(&request)),
                Step::Purge(budget) => drop(store.purge(budget)),
                Step::BeginSnapshot => taking = Some(Taking::begin(&mut store, &model)),
                Step::Chunk(bytes) => {
                    if taking.as_mut().is_some_and(|taking| !taking.chunk(&store, bytes)) {
                        taking.take().into_iter().for_each(Taking::check);
                    }
                }
            }
        }
        agree(&store, &model);
        prop_assert_eq!(hashes(&store), hashes(&replica), "a replica which never purged");
        if let Some(mut taking) = taking {
            while taking.chunk(&store, 100) {}
            taking.check();
        }
        while !store.purge(5) {}
        agree(&store, &model);
        prop_assert_eq!(hashes(&store), hashes(&replica));
    }
}

//! Each fault that is put into the store shows.
#![cfg(feature = "faults")]

use super::*;
use crate::faults::{self, Fault};
use crate::store::{Position, Restore};

/// Takes the fault out again when the test ends.
struct With;

impl With {
    fn fault(fault: Fault) -> Self {
        faults::set(Some(fault));
        Self
    }
}

impl Drop for With {
    fn drop(&mut self) {
        faults::set(None);
    }
}

#[test]
fn a_lease_outlives_its_revocation() {
    let mut store = store();
    grant(&mut store, 1, 10).unwrap();
    put_leased(&mut store, "a", 1).unwrap();
    let _with = With::fault(Fault::LeaseKeptPastRevoke);
    revoke(&mut store, 1).unwrap();
    assert!(store.lease(1).is_some());
    assert_eq!(store.range(&range_request("a", "")).unwrap().count, 1);
}

#[test]
fn a_snapshot_lacks_a_record_and_looks_whole() {
    let mut store = store();
    ["a", "b"].iter().for_each(|key| put(&mut store, key, "v"));
    let _with = With::fault(Fault::SnapshotOffByOne);
    let mut snapshot = store.begin_snapshot(Position::default());
    let mut restore = Restore::new(Limits::default());
    while let Some(chunk) = store.snapshot_chunk(&mut snapshot, 1) {
        restore.push(chunk).unwrap();
    }
    let (restored, _) = restore.finish().unwrap();
    assert_eq!(keys(&restored.range(&range_request("a", "\0")).unwrap()), "a");
    assert_ne!(restored.hash(), store.hash());
}

#[test]
fn history_stays_readable() {
    let mut store = store();
    put(&mut store, "a", "v");
    let _with = With::fault(Fault::UnappliedCompaction);
    compact(&mut store, 2).unwrap();
    assert!(store.range(&RangeRequest { revision: 1, ..range_request("a", "") }).is_ok());
}

#[test]
fn a_batch_is_applied_twice() {
    let mut store = store();
    assert!(store.accept(1, 1, 1, 0));
    let _with = With::fault(Fault::DuplicateProposal);
    assert!(store.accept(1, 1, 1, 0));
}

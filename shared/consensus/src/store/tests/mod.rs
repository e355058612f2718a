//! What the store answers, by topic; `agreement` compares it with a naive model.

mod agreement;
mod alarms;
mod compaction;
mod events;
mod faults;
mod hash;
mod lease;
mod model;
mod put;
mod range;
mod requests;
mod snapshot;
mod txn;

use super::{Error, Limits, Outcome, Store};
use crate::api::etcdserverpb::{
    CompactionRequest, DeleteRangeRequest, LeaseGrantRequest, LeaseRevokeRequest, PutRequest, RangeRequest,
    RangeResponse, TxnRequest, TxnResponse,
};
use crate::api::logpb::{Command, command::Operation};

fn store() -> Store {
    Store::new(Limits::default())
}

fn command(operation: Operation) -> Command {
    Command { operation: Some(operation) }
}

fn apply(store: &mut Store, operation: Operation) -> Result<Outcome, Error> {
    store.apply(command(operation))
}

fn put_request(key: &str, value: &str) -> PutRequest {
    PutRequest { key: key.to_owned().into(), value: value.to_owned().into(), ..PutRequest::default() }
}

fn put(store: &mut Store, key: &str, value: &str) {
    let outcome = apply(store, Operation::Put(put_request(key, value)));
    assert!(matches!(outcome, Ok(Outcome::Put(_))), "{outcome:?}");
}

fn put_leased(store: &mut Store, key: &str, lease: i64) -> Result<Outcome, Error> {
    apply(store, Operation::Put(PutRequest { lease, ..put_request(key, "leased") }))
}

fn delete_request(key: &str, end: &str) -> DeleteRangeRequest {
    DeleteRangeRequest { key: key.to_owned().into(), range_end: end.to_owned().into(), prev_kv: true }
}

/// How many keys were deleted.
fn delete(store: &mut Store, key: &str, end: &str) -> i64 {
    match apply(store, Operation::DeleteRange(delete_request(key, end))) {
        Ok(Outcome::DeleteRange(response)) => response.deleted,
        other => unreachable!("{other:?}"),
    }
}

fn txn(store: &mut Store, request: TxnRequest) -> Result<TxnResponse, Error> {
    apply(store, Operation::Txn(request)).map(|outcome| match outcome {
        Outcome::Txn(response) => response,
        other => unreachable!("{other:?}"),
    })
}

fn compact(store: &mut Store, revision: i64) -> Result<(), Error> {
    apply(store, Operation::Compact(CompactionRequest { revision, physical: false })).map(drop)
}

fn grant(store: &mut Store, id: i64, ttl: i64) -> Result<Outcome, Error> {
    apply(store, Operation::LeaseGrant(LeaseGrantRequest { id, ttl }))
}

fn revoke(store: &mut Store, id: i64) -> Result<Outcome, Error> {
    apply(store, Operation::LeaseRevoke(LeaseRevokeRequest { id }))
}

fn range_request(key: &str, end: &str) -> RangeRequest {
    RangeRequest { key: key.to_owned().into(), range_end: end.to_owned().into(), ..RangeRequest::default() }
}

/// The keys of a response, one letter each.
fn keys(response: &RangeResponse) -> String {
    response.kvs.iter().map(|kv| String::from_utf8_lossy(&kv.key)).collect()
}

#[test]
fn can_be_shared_between_threads() {
    fn shareable<T: Send + Sync>() {}
    shareable::<Store>();
    shareable::<super::Snapshot>();
}

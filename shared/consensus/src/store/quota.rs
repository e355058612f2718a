//! How much room the state takes, counted as if it were a database file, and what a request would add.

use crate::api::etcdserverpb::{LeaseGrantRequest, PutRequest, RequestOp, TxnRequest, request_op::Request};
use crate::api::logpb::command::Operation;

/// Bytes of a page: sizes are multiples of it.
const PAGE: u64 = 4096;
/// Pages of an empty store.
const EMPTY: u64 = 5 * PAGE;
/// Bytes a record takes beside what it holds: the two references to it, and the allocator's part.
const RECORD: u64 = 64;
/// Bytes a lease takes.
const LEASE: u64 = 64;
/// What a put is taken to cost beside its key and value before it is proposed.
const PUT: u64 = 256;

/// What a store of this many records and leases takes, in whole pages.
pub(super) fn size(records: u64, record_bytes: u64, leases: u64) -> u64 {
    EMPTY + (record_bytes + records * RECORD + leases * LEASE).next_multiple_of(PAGE)
}

/// An upper estimate of what an operation adds: 0 for whatever must pass although the quota is used up.
pub(super) fn cost(operation: &Operation) -> u64 {
    match operation {
        Operation::Put(put) => cost_of_put(put),
        Operation::Txn(txn) => cost_of_txn(txn),
        Operation::LeaseGrant(LeaseGrantRequest { .. }) => LEASE,
        _ => 0,
    }
}

fn cost_of_put(put: &PutRequest) -> u64 {
    PUT + put.key.len() as u64 + put.value.len() as u64
}

/// The dearer branch: which one is taken isn't known before it is applied.
fn cost_of_txn(txn: &TxnRequest) -> u64 {
    let branch = |operations: &[RequestOp]| operations.iter().map(cost_of_operation).sum::<u64>();
    branch(&txn.success).max(branch(&txn.failure))
}

fn cost_of_operation(operation: &RequestOp) -> u64 {
    match &operation.request {
        Some(Request::RequestPut(put)) => cost_of_put(put),
        Some(Request::RequestTxn(txn)) => cost_of_txn(txn),
        _ => 0,
    }
}

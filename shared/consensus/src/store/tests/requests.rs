//! Requests at random, over few enough keys, leases and revisions that they have to do with each other.

use bytes::Bytes;
use proptest::prelude::*;
use proptest::sample::select;

use crate::api::etcdserverpb::compare::TargetUnion;
use crate::api::etcdserverpb::request_op::Request;
use crate::api::etcdserverpb::{
    CompactionRequest, Compare, DeleteRangeRequest, LeaseGrantRequest, LeaseRevokeRequest, PutRequest, RangeRequest,
    RequestOp, TxnRequest,
};
use crate::api::logpb::command::Operation;

const KEYS: [&str; 8] = ["\0", "a", "aa", "ab", "b", "ba", "c", "\u{7f}"];

fn key() -> impl Strategy<Value = Bytes> {
    select(&KEYS[1..]).prop_map(Bytes::from)
}

fn end() -> impl Strategy<Value = Bytes> {
    prop_oneof![2 => Just(Bytes::new()), 3 => select(&KEYS[..]).prop_map(Bytes::from)]
}

fn value() -> impl Strategy<Value = Bytes> {
    select(&["", "x", "y", "longer"][..]).prop_map(Bytes::from)
}

/// Mostly none.
fn bound() -> impl Strategy<Value = i64> {
    prop_oneof![4 => Just(0), 1 => 1..20_i64]
}

pub(super) fn range() -> impl Strategy<Value = RangeRequest> {
    let shape = (0..4_i64, prop_oneof![Just(0), -1..40_i64], 0..3_i32, 0..5_i32, any::<bool>(), 0..8_u8);
    (key(), end(), shape, (bound(), bound(), bound(), bound())).prop_map(|(key, range_end, shape, bounds)| {
        let (limit, revision, sort_order, sort_target, keys_only, count) = shape;
        let (min_mod_revision, max_mod_revision, min_create_revision, max_create_revision) = bounds;
        RangeRequest {
            key,
            range_end,
            limit,
            revision,
            sort_order,
            sort_target,
            serializable: false,
            keys_only,
            count_only: count == 0,
            min_mod_revision,
            max_mod_revision,
            min_create_revision,
            max_create_revision,
        }
    })
}

fn put() -> impl Strategy<Value = PutRequest> {
    let flags = (any::<bool>(), prop::bool::weighted(0.1), prop::bool::weighted(0.1));
    (key(), value(), 0..4_i64, flags).prop_map(|(key, value, lease, (prev_kv, ignore_value, ignore_lease))| {
        let (value, lease) = (if ignore_value { Bytes::new() } else { value }, if ignore_lease { 0 } else { lease });
        PutRequest { key, value, lease, prev_kv, ignore_value, ignore_lease }
    })
}

fn delete() -> impl Strategy<Value = DeleteRangeRequest> {
    let request = |(key, range_end, prev_kv)| DeleteRangeRequest { key, range_end, prev_kv };
    (key(), end(), any::<bool>()).prop_map(request)
}

fn compare() -> impl Strategy<Value = Compare> {
    let operand = (0..5_i32, 0..6_i64, value());
    (key(), end(), 0..4_i32, operand).prop_map(|(key, range_end, result, (target, number, value))| {
        let operand = match target {
            0 => TargetUnion::Version(number),
            1 => TargetUnion::CreateRevision(number),
            2 => TargetUnion::ModRevision(number),
            3 => TargetUnion::Value(value),
            _ => TargetUnion::Lease(number),
        };
        Compare { result, target, key, range_end, target_union: Some(operand) }
    })
}

fn txn() -> impl Strategy<Value = TxnRequest> {
    let leaf = Just(TxnRequest::default()).boxed();
    leaf.prop_recursive(2, 12, 4, |inner| {
        let operation = prop_oneof![
            3 => range().prop_map(Request::RequestRange),
            4 => put().prop_map(Request::RequestPut),
            2 => delete().prop_map(Request::RequestDeleteRange),
            1 => inner.prop_map(Request::RequestTxn),
        ];
        let operation = operation.prop_map(|request| RequestOp { request: Some(request) });
        let branch = || prop::collection::vec(operation.clone(), 0..4);
        (prop::collection::vec(compare(), 0..3), branch(), branch())
            .prop_map(|(compare, success, failure)| TxnRequest { compare, success, failure })
    })
}

pub(super) fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        8 => put().prop_map(Operation::Put),
        4 => delete().prop_map(Operation::DeleteRange),
        6 => txn().prop_map(Operation::Txn),
        2 => (-1..40_i64).prop_map(|revision| Operation::Compact(CompactionRequest { revision, physical: false })),
        3 => (1..4_i64, 1..9_i64).prop_map(|(id, ttl)| Operation::LeaseGrant(LeaseGrantRequest { id, ttl })),
        1 => (1..4_i64).prop_map(|id| Operation::LeaseRevoke(LeaseRevokeRequest { id })),
    ]
}

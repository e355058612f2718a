//! What is asked of a register that is a key, as requests, and what their answers say.

use bytes::Bytes;
use consensus::{
    api::{
        etcdserverpb::{
            Compare, DeleteRangeRequest, PutRequest, RangeRequest, RangeResponse, RequestOp, TxnRequest, TxnResponse,
            compare::{CompareResult, CompareTarget, TargetUnion},
            request_op::Request as Asked,
            response_op::Response as Told,
        },
        mvccpb::KeyValue,
    },
    sim::linearizable::{Operation, Outcome},
};
use coordinator::proto::etcdserverpb::kv_client::KvClient;
use tonic::{Status, transport::Channel};

/// An answer.
pub(super) struct Answer {
    pub(super) outcome: Outcome<u64>,
    /// The store's revision with it.
    pub(super) revision: i64,
    /// Whether that is a revision of its own.
    pub(super) changed: bool,
    /// The revision since which the key holds what it does; 0 where it holds nothing.
    pub(super) since: i64,
}

/// By what a swap knows that nobody was faster.
#[derive(Clone, Copy, Debug)]
pub(super) enum Guard {
    Value,
    /// The revision of what is expected; 0 for no value.
    Revision(i64),
}

pub(super) async fn ask(
    kv: &mut KvClient<Channel>,
    key: &str,
    operation: &Operation<u64>,
    guard: Guard,
) -> Result<Answer, Status> {
    match operation {
        Operation::Read => {
            let answer = kv.range(read(key)).await?.into_inner();
            let revision = answer.header.unwrap().revision;
            Ok(Answer { outcome: held(&answer), revision, changed: false, since: since(&answer) })
        }
        Operation::Write(new) => {
            let revision = kv.put(write(key, *new)).await?.into_inner().header.unwrap().revision;
            Ok(Answer { outcome: Outcome::Done, revision, changed: true, since: revision })
        }
        Operation::Swap { expected, new } => {
            let answer = kv.txn(swap(key, *expected, *new, guard)).await?.into_inner();
            Ok(swapped(&answer))
        }
        Operation::Delete => {
            let request = DeleteRangeRequest { key: bytes(key), ..DeleteRangeRequest::default() };
            let answer = kv.delete_range(request).await?.into_inner();
            let (revision, changed) = (answer.header.unwrap().revision, answer.deleted > 0);
            Ok(Answer { outcome: Outcome::Deleted(changed), revision, changed, since: 0 })
        }
    }
}

pub(super) fn write(key: &str, value: u64) -> PutRequest {
    PutRequest { key: bytes(key), value: bytes(&value.to_string()), ..PutRequest::default() }
}

/// What a key of a register holds.
pub(super) fn value(pair: &KeyValue) -> u64 {
    std::str::from_utf8(&pair.value).unwrap().parse().unwrap()
}

fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

fn read(key: &str) -> RangeRequest {
    RangeRequest { key: bytes(key), ..RangeRequest::default() }
}

fn held(answer: &RangeResponse) -> Outcome<u64> {
    Outcome::Holds(answer.kvs.first().map(value))
}

fn since(answer: &RangeResponse) -> i64 {
    answer.kvs.first().map_or(0, |pair| pair.mod_revision)
}

fn swap(key: &str, expected: Option<u64>, new: u64, guard: Guard) -> TxnRequest {
    let (target, wanted) = match (guard, expected) {
        (Guard::Revision(revision), _) => (CompareTarget::Mod, TargetUnion::ModRevision(revision)),
        (Guard::Value, Some(expected)) => (CompareTarget::Value, TargetUnion::Value(bytes(&expected.to_string()))),
        (Guard::Value, None) => (CompareTarget::Create, TargetUnion::CreateRevision(0)),
    };
    let compare = Compare {
        result: CompareResult::Equal.into(),
        target: target.into(),
        key: bytes(key),
        target_union: Some(wanted),
        ..Compare::default()
    };
    let operation = |asked| vec![RequestOp { request: Some(asked) }];
    TxnRequest {
        compare: vec![compare],
        success: operation(Asked::RequestPut(write(key, new))),
        failure: operation(Asked::RequestRange(read(key))),
    }
}

fn swapped(answer: &TxnResponse) -> Answer {
    let revision = answer.header.as_ref().unwrap().revision;
    match answer.responses[0].response.as_ref().unwrap() {
        Told::ResponseRange(read) if !answer.succeeded => {
            Answer { outcome: held(read), revision, changed: false, since: since(read) }
        }
        Told::ResponsePut(_) if answer.succeeded => {
            Answer { outcome: Outcome::Done, revision, changed: true, since: revision }
        }
        other => panic!("succeeded: {}, but {other:?}", answer.succeeded),
    }
}

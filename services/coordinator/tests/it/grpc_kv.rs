//! The KV service.

use consensus::api::etcdserverpb::{
    CompactionRequest, DeleteRangeRequest, PutRequest, RangeRequest, RequestOp, TxnRequest, request_op::Request as Op,
};
use tonic::Code;

use crate::grpc::{Alone, refusal, told};

fn put(key: &'static str, value: &'static str) -> PutRequest {
    PutRequest { key: key.into(), value: value.into(), ..PutRequest::default() }
}

fn get(key: &'static str) -> RangeRequest {
    RangeRequest { key: key.into(), ..RangeRequest::default() }
}

#[tokio::test]
async fn keys_are_written_and_read() {
    let alone = Alone::start().await;
    let mut kv = alone.kv();
    let first = kv.put(put("a", "1")).await.unwrap().into_inner();
    let header = first.header.unwrap();
    assert!(header.cluster_id != 0 && header.member_id != 0 && header.raft_term > 0);
    assert_eq!((header.revision, first.prev_kv), (2, None));
    let second = kv.put(PutRequest { prev_kv: true, ..put("a", "2") }).await.unwrap().into_inner();
    assert_eq!(&second.prev_kv.unwrap().value[..], b"1");
    for serializable in [false, true] {
        let range = kv.range(RangeRequest { serializable, ..get("a") }).await.unwrap().into_inner();
        assert_eq!(&range.kvs[0].value[..], b"2");
        assert_eq!(range.header.unwrap().revision, 3);
    }
    let old = kv.range(RangeRequest { revision: 2, ..get("a") }).await.unwrap().into_inner();
    assert_eq!(&old.kvs[0].value[..], b"1");
    let read = RequestOp { request: Some(Op::RequestRange(get("a"))) };
    let txn = kv.txn(TxnRequest { success: vec![read], ..TxnRequest::default() }).await.unwrap().into_inner();
    assert!(txn.succeeded);
    assert_eq!(txn.header.unwrap().revision, 3, "a transaction that reads makes no revision");
    let request = DeleteRangeRequest { key: "a".into(), prev_kv: true, ..DeleteRangeRequest::default() };
    let deleted = kv.delete_range(request).await.unwrap().into_inner();
    assert_eq!((deleted.deleted, deleted.prev_kvs.len(), deleted.header.unwrap().revision), (1, 1, 4));
}

#[tokio::test]
async fn what_is_wrong_is_told_as_etcd_tells_it() {
    let alone = Alone::start().await;
    let mut kv = alone.kv();
    assert_eq!(refusal(kv.put(put("", "")).await), told(Code::InvalidArgument, "etcdserver: key is not provided"));
    let ignoring = PutRequest { ignore_value: true, ..put("none", "") };
    assert_eq!(refusal(kv.put(ignoring).await), told(Code::InvalidArgument, "etcdserver: key not found"));
    let leased = PutRequest { lease: 77, ..put("a", "") };
    assert_eq!(refusal(kv.put(leased).await), told(Code::NotFound, "etcdserver: requested lease not found"));
    let future = RangeRequest { revision: 100, ..get("a") };
    let text = "etcdserver: mvcc: required revision is a future revision";
    assert_eq!(refusal(kv.range(future).await), told(Code::OutOfRange, text));
    let twice = vec![RequestOp { request: Some(Op::RequestPut(put("a", ""))) }; 2];
    let twice = TxnRequest { success: twice, ..TxnRequest::default() };
    let text = "etcdserver: duplicate key given in txn request";
    assert_eq!(refusal(kv.txn(twice).await), told(Code::InvalidArgument, text));
}

#[tokio::test]
async fn a_request_is_bounded() {
    let alone = Alone::start().await;
    let mut kv = alone.kv();
    let of_size = |bytes: usize| PutRequest { key: "a".into(), value: vec![0; bytes].into(), ..PutRequest::default() };
    kv.put(of_size(1_500_000)).await.unwrap();
    let text = "etcdserver: request is too large";
    assert_eq!(refusal(kv.put(of_size(1_600_000)).await), told(Code::InvalidArgument, text));
    let (code, text) = refusal(kv.put(of_size(3_000_000)).await);
    assert_eq!(code, Code::ResourceExhausted);
    assert!(text.starts_with("grpc: received message larger than max (3000"), "{text}");
    assert!(text.ends_with(" vs. 2097152)"), "{text}");
}

#[tokio::test]
async fn compacted_history_is_gone() {
    let alone = Alone::start().await;
    let mut kv = alone.kv();
    for _ in 0..5 {
        kv.put(put("a", "x")).await.unwrap();
    }
    let compaction = CompactionRequest { revision: 4, physical: true };
    assert_eq!(kv.compact(compaction).await.unwrap().into_inner().header.unwrap().revision, 6);
    let text = "etcdserver: mvcc: required revision has been compacted";
    assert_eq!(refusal(kv.compact(compaction).await), told(Code::OutOfRange, text));
    assert_eq!(refusal(kv.range(RangeRequest { revision: 3, ..get("a") }).await), told(Code::OutOfRange, text));
    kv.range(RangeRequest { revision: 4, ..get("a") }).await.unwrap();
}

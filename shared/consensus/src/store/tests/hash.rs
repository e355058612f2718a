use super::*;
use crate::api::etcdserverpb::RequestOp;
use crate::api::etcdserverpb::request_op::Request;
use crate::store::HashKv;

fn hashed(store: &Store, revision: i64) -> u32 {
    store.hash_kv(revision).unwrap().hash
}

fn compact_now(store: &mut Store, revision: i64) {
    compact(store, revision).unwrap();
    assert!(store.purge(100));
}

/// The numbers are what etcd 3.6.16 answers after the same commands.
#[test]
fn equals_that_of_etcd() {
    let mut store = store();
    assert_eq!(store.hash_kv(0), Ok(HashKv { hash: 1_084_519_789, compact_revision: -1, hash_revision: 1 }));
    [("a", "1"), ("a", "2"), ("b", "3"), ("c", "4")].iter().for_each(|(key, value)| put(&mut store, key, value));
    delete(&mut store, "b", "");
    assert_eq!((hashed(&store, 0), hashed(&store, 3)), (3_729_708_759, 535_221_974));
    let success = [
        Request::RequestPut(put_request("d", "5")),
        Request::RequestPut(put_request("e", "6")),
        Request::RequestDeleteRange(delete_request("c", "")),
    ];
    let success = success.into_iter().map(|request| RequestOp { request: Some(request) }).collect();
    txn(&mut store, TxnRequest { success, ..TxnRequest::default() }).unwrap();
    assert_eq!(hashed(&store, 0), 2_476_603_094);
    compact_now(&mut store, 4);
    assert_eq!((hashed(&store, 7), hashed(&store, 5)), (3_791_578_418, 2_327_766_906));
    delete(&mut store, "a", "");
    assert_eq!(hashed(&store, 0), 1_270_416_949);
    compact_now(&mut store, 8);
    assert_eq!(hashed(&store, 0), 2_230_694_820);
    ["d", "e"].iter().for_each(|key| assert_eq!(delete(&mut store, key, ""), 1));
    assert_eq!(hashed(&store, 0), 2_356_384_045);
    compact_now(&mut store, 10);
    assert_eq!(hashed(&store, 0), 1_084_519_789);
    put(&mut store, "x", "1");
    assert_eq!((hashed(&store, 0), hashed(&store, 11)), (2_840_811_373, 2_840_811_373));
    delete(&mut store, "x", "");
    assert_eq!(hashed(&store, 0), 2_027_850_798);
    compact_now(&mut store, 11);
    assert_eq!(hashed(&store, 0), 2_027_850_798, "nothing lives, so that what is left counts");
    assert_eq!(store.hash_kv(10), Err(Error::Compacted));
    assert_eq!(store.hash_kv(13), Err(Error::FutureRevision));
}

#[test]
fn of_the_whole_state_sees_what_is_no_key() {
    let mut store = store();
    let mut last = store.hash();
    let mut changed = |store: &Store, what: &str| {
        let now = store.hash();
        assert_ne!(std::mem::replace(&mut last, now), now, "{what}");
    };
    grant(&mut store, 1, 10).unwrap();
    changed(&store, "a lease");
    assert!(store.accept(1, 1, 1, 0));
    changed(&store, "a batch");
    compact(&mut store, 1).unwrap();
    changed(&store, "a compaction");
    put(&mut store, "a", "1");
    changed(&store, "a key");
}

use super::*;
use crate::api::etcdserverpb::compare::{CompareResult, CompareTarget, TargetUnion};
use crate::api::etcdserverpb::request_op::Request;
use crate::api::etcdserverpb::response_op::Response;
use crate::api::etcdserverpb::{Compare, RequestOp};
use crate::store::is_read_only;

fn op(request: Request) -> RequestOp {
    RequestOp { request: Some(request) }
}

fn ranged(key: &str, end: &str) -> RequestOp {
    op(Request::RequestRange(range_request(key, end)))
}

fn putting(key: &str, value: &str) -> RequestOp {
    op(Request::RequestPut(put_request(key, value)))
}

fn compare(key: &str, end: &str, target: CompareTarget, result: CompareResult, operand: TargetUnion) -> Compare {
    Compare {
        key: key.to_owned().into(),
        range_end: end.to_owned().into(),
        target: target.into(),
        result: result.into(),
        target_union: Some(operand),
    }
}

fn version(key: &str, result: CompareResult, version: i64) -> Compare {
    compare(key, "", CompareTarget::Version, result, TargetUnion::Version(version))
}

fn holds(store: &Store, compare: Compare) -> bool {
    store.read_txn(&TxnRequest { compare: vec![compare], ..TxnRequest::default() }).unwrap().succeeded
}

#[test]
fn compares_every_target() {
    use CompareResult::{Equal, Greater, Less, NotEqual};
    use CompareTarget::{Create, Lease, Mod, Value, Version};
    let mut store = store();
    grant(&mut store, 9, 10).unwrap();
    put(&mut store, "a", "1");
    put_leased(&mut store, "a", 9).unwrap();
    let holds = |target, result, operand| holds(&store, compare("a", "", target, result, operand));
    assert!(holds(Version, Equal, TargetUnion::Version(2)));
    assert!(holds(Version, NotEqual, TargetUnion::Version(3)));
    assert!(holds(Create, Less, TargetUnion::CreateRevision(3)));
    assert!(!holds(Create, Less, TargetUnion::CreateRevision(2)));
    assert!(holds(Mod, Greater, TargetUnion::ModRevision(2)));
    assert!(holds(Lease, Equal, TargetUnion::Lease(9)));
    assert!(holds(Value, Equal, TargetUnion::Value("leased".into())));
    assert!(
        holds(Value, Greater, TargetUnion::Value("leased".into()))
            == holds(Value, Less, TargetUnion::Value("leased".into()))
    );
    assert!(holds(Version, Greater, TargetUnion::ModRevision(100)), "an operand for another target counts as 0");
}

#[test]
fn a_missing_key_compares_as_zeros_but_has_no_value() {
    use CompareResult::{Equal, Less, NotEqual};
    let store = store();
    assert!(holds(&store, version("a", Equal, 0)));
    assert!(holds(&store, version("a", Less, 1)));
    assert!(!holds(&store, version("a", NotEqual, 0)));
    for result in [Equal, NotEqual, Less] {
        let operand = TargetUnion::Value("".into());
        assert!(!holds(&store, compare("a", "", CompareTarget::Value, result, operand)));
    }
}

#[test]
fn compares_all_keys_of_a_span() {
    let mut store = store();
    ["a", "b", "c", "c"].iter().for_each(|key| put(&mut store, key, "v"));
    let versions =
        |end, number| compare("a", end, CompareTarget::Version, CompareResult::Equal, TargetUnion::Version(number));
    assert!(holds(&store, versions("c", 1)));
    assert!(!holds(&store, versions("\0", 1)), "one of them has another version");
    delete(&mut store, "c", "");
    assert!(holds(&store, versions("\0", 1)), "it is gone");
}

#[test]
fn writes_share_a_revision_and_are_read_within() {
    let mut store = store();
    let success = vec![
        ranged("a", "\0"),
        putting("a", "1"),
        putting("b", "2"),
        ranged("a", "\0"),
        op(Request::RequestDeleteRange(delete_request("a", ""))),
        ranged("a", "\0"),
    ];
    let response = txn(&mut store, TxnRequest { success, ..TxnRequest::default() }).unwrap();
    assert_eq!((response.header.unwrap().revision, store.revision()), (2, 2));
    let seen = |place: usize| match &response.responses[place].response {
        Some(Response::ResponseRange(range)) => (keys(range), range.header.unwrap().revision),
        other => unreachable!("{other:?}"),
    };
    assert_eq!([seen(0), seen(3), seen(5)], [(String::new(), 1), ("ab".to_owned(), 2), ("b".to_owned(), 2)]);
    let places: Vec<_> = store.events(2).unwrap().map(|event| (event.main, event.sub(), event.tombstone)).collect();
    assert_eq!(places, [(2, 0, false), (2, 1, false), (2, 2, true)]);
}

#[test]
fn nothing_written_is_no_revision() {
    let mut store = store();
    let success = vec![op(Request::RequestDeleteRange(delete_request("a", "\0")))];
    let response = txn(&mut store, TxnRequest { success, ..TxnRequest::default() }).unwrap();
    assert_eq!((response.header.unwrap().revision, store.revision()), (1, 1));
}

#[test]
fn inner_transactions_compare_with_the_state_before() {
    let mut store = store();
    let inner = TxnRequest {
        compare: vec![version("a", CompareResult::Equal, 0)],
        success: vec![putting("b", "absent")],
        failure: vec![putting("b", "present")],
    };
    let last = TxnRequest {
        compare: vec![version("a", CompareResult::Greater, 0)],
        success: vec![putting("c", "present")],
        failure: vec![putting("c", "absent")],
    };
    let success = vec![putting("a", "1"), op(Request::RequestTxn(inner)), op(Request::RequestTxn(last))];
    let response = txn(&mut store, TxnRequest { success, ..TxnRequest::default() }).unwrap();
    let Some(Response::ResponseTxn(inner)) = &response.responses[1].response else { unreachable!() };
    assert!(inner.succeeded);
    assert_eq!(inner.header.unwrap().revision, 0, "as etcd leaves it");
    let values: Vec<_> = store.range(&range_request("b", "\0")).unwrap().kvs.into_iter().map(|kv| kv.value).collect();
    assert_eq!(values, ["absent", "absent"]);
}

#[test]
fn what_is_refused_changes_nothing() {
    let mut store = store();
    put(&mut store, "k", "v");
    put(&mut store, "k", "v");
    compact(&mut store, 3).unwrap();
    let past = |revision| op(Request::RequestRange(RangeRequest { revision, ..range_request("k", "") }));
    let leased = op(Request::RequestPut(PutRequest { lease: 5, ..put_request("b", "") }));
    let kept = op(Request::RequestPut(PutRequest { ignore_value: true, ..put_request("b", "") }));
    for (refused, error) in [
        (past(2), Error::Compacted),
        (past(4), Error::FutureRevision),
        (past(-1), Error::Compacted),
        (leased, Error::LeaseNotFound),
        (kept, Error::KeyNotFound),
    ] {
        let inner = TxnRequest { success: vec![refused], ..TxnRequest::default() };
        let success = vec![putting("a", "1"), op(Request::RequestTxn(inner))];
        assert_eq!(txn(&mut store, TxnRequest { success, ..TxnRequest::default() }), Err(error));
        assert_eq!((store.revision(), store.range(&range_request("a", "")).unwrap().count), (3, 0));
    }
}

#[test]
fn a_branch_that_is_not_taken_is_not_checked() {
    let mut store = store();
    let request = TxnRequest {
        compare: vec![version("a", CompareResult::Equal, 0)],
        success: vec![putting("a", "1")],
        failure: vec![op(Request::RequestPut(PutRequest { lease: 5, ..put_request("a", "") }))],
    };
    assert!(txn(&mut store, request.clone()).unwrap().succeeded);
    assert_eq!(txn(&mut store, request), Err(Error::LeaseNotFound));
}

#[test]
fn only_ranges_are_read_only() {
    let mut store = store();
    put(&mut store, "a", "1");
    let ranges = TxnRequest { success: vec![ranged("a", "")], failure: vec![ranged("b", "")], compare: Vec::new() };
    assert!(is_read_only(&ranges));
    assert_eq!(store.read_txn(&ranges), txn(&mut store, ranges.clone()));
    let inner = TxnRequest { success: vec![op(Request::RequestTxn(ranges))], ..TxnRequest::default() };
    assert!(!is_read_only(&inner));
    assert_eq!(store.read_txn(&inner), Err(Error::NotReadOnly));
}

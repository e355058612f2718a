use super::*;
use crate::api::etcdserverpb::alarm_request::AlarmAction;
use crate::api::etcdserverpb::request_op::Request;
use crate::api::etcdserverpb::{AlarmMember, AlarmRequest, AlarmType, RequestOp};

fn alarm(store: &mut Store, action: AlarmAction, member_id: u64, alarm: AlarmType) -> Vec<AlarmMember> {
    let request = AlarmRequest { action: action.into(), member_id, alarm: alarm.into() };
    let Outcome::Alarm(response) = apply(store, Operation::Alarm(request)).unwrap() else { unreachable!() };
    response.alarms
}

#[test]
fn lists_what_is_active() {
    use AlarmAction::{Activate, Deactivate, Get};
    let mut store = store();
    let member = |member_id, alarm: AlarmType| AlarmMember { member_id, alarm: alarm.into() };
    assert!(alarm(&mut store, Activate, 1, AlarmType::None).is_empty());
    for _ in 0..2 {
        assert_eq!(alarm(&mut store, Activate, 1, AlarmType::Nospace), [member(1, AlarmType::Nospace)]);
    }
    alarm(&mut store, Activate, 2, AlarmType::Corrupt);
    assert_eq!(alarm(&mut store, Get, 0, AlarmType::Corrupt), [member(2, AlarmType::Corrupt)]);
    assert_eq!(alarm(&mut store, Get, 0, AlarmType::None).len(), 2);
    assert!(alarm(&mut store, Deactivate, 2, AlarmType::Nospace).is_empty());
    assert_eq!(alarm(&mut store, Deactivate, 1, AlarmType::Nospace), [member(1, AlarmType::Nospace)]);
    assert_eq!(store.alarms(), [member(2, AlarmType::Corrupt)]);
}

#[test]
fn without_space_only_what_makes_room_passes() {
    let mut store = store();
    grant(&mut store, 1, 10).unwrap();
    put_leased(&mut store, "a", 1).unwrap();
    put(&mut store, "b", "v");
    alarm(&mut store, AlarmAction::Activate, 1, AlarmType::Nospace);
    let putting = RequestOp { request: Some(Request::RequestPut(put_request("a", ""))) };
    let inner = TxnRequest { failure: vec![putting], ..TxnRequest::default() };
    let nested = RequestOp { request: Some(Request::RequestTxn(inner)) };
    assert_eq!(put_leased(&mut store, "a", 1), Err(Error::NoSpace));
    assert_eq!(grant(&mut store, 2, 10), Err(Error::NoSpace));
    assert_eq!(txn(&mut store, TxnRequest { success: vec![nested], ..TxnRequest::default() }), Err(Error::NoSpace));
    let deleting = RequestOp { request: Some(Request::RequestDeleteRange(delete_request("b", ""))) };
    txn(&mut store, TxnRequest { success: vec![deleting], ..TxnRequest::default() }).unwrap();
    revoke(&mut store, 1).unwrap();
    compact(&mut store, 5).unwrap();
    alarm(&mut store, AlarmAction::Deactivate, 1, AlarmType::Nospace);
    put(&mut store, "a", "again");
}

#[test]
fn a_corrupt_cluster_takes_nothing() {
    let mut store = store();
    alarm(&mut store, AlarmAction::Activate, 1, AlarmType::Corrupt);
    assert_eq!(compact(&mut store, 1), Err(Error::Corrupt));
    assert_eq!(apply(&mut store, Operation::DeleteRange(delete_request("a", ""))), Err(Error::Corrupt));
    alarm(&mut store, AlarmAction::Deactivate, 1, AlarmType::Corrupt);
    compact(&mut store, 1).unwrap();
}

#[test]
fn an_empty_store_fits_thirteen_pages() {
    let mut store = Store::new(Limits { quota_bytes: 53_248, ..Limits::default() });
    assert_eq!((store.size(), store.size_in_use()), (20_480, 20_480));
    let page = "v".repeat(4_096);
    let putting = || command(Operation::Put(put_request("k", &page)));
    let mut puts = 0;
    while !store.would_exceed(&putting()) {
        store.apply(putting()).unwrap();
        puts += 1;
    }
    assert!((4..=7).contains(&puts), "{puts} puts");
    assert!(!store.would_exceed(&command(Operation::DeleteRange(delete_request("k", "")))));
    compact(&mut store, puts + 1).unwrap();
    assert!(store.purge(100));
    assert!(!store.would_exceed(&putting()), "history gave its room back");
}

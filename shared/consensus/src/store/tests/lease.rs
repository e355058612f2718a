use super::*;
use crate::store::MAX_LEASE_TTL;

fn attached(store: &Store, id: i64) -> String {
    store.lease(id).unwrap().keys().map(String::from_utf8_lossy).collect()
}

#[test]
fn is_granted_once() {
    let mut store = store();
    assert_eq!(grant(&mut store, 0, 10), Err(Error::LeaseNotFound));
    assert_eq!(grant(&mut store, 1, MAX_LEASE_TTL + 1), Err(Error::LeaseTtlTooLarge));
    let Outcome::LeaseGrant(response) = grant(&mut store, 1, MAX_LEASE_TTL).unwrap() else { unreachable!() };
    assert_eq!((response.id, response.ttl, response.header.unwrap().revision), (1, MAX_LEASE_TTL, 1));
    assert_eq!(grant(&mut store, 1, 10), Err(Error::LeaseExists));
    assert_eq!(store.leases().collect::<Vec<_>>(), [(1, MAX_LEASE_TTL)]);
}

#[test]
fn holds_the_keys_last_put_with_it() {
    let mut store = store();
    assert_eq!(put_leased(&mut store, "a", 1), Err(Error::LeaseNotFound));
    grant(&mut store, 1, 10).unwrap();
    grant(&mut store, 2, 10).unwrap();
    ["c", "a", "b"].iter().for_each(|key| drop(put_leased(&mut store, key, 1).unwrap()));
    assert_eq!(attached(&store, 1), "abc");
    put_leased(&mut store, "a", 2).unwrap();
    put(&mut store, "b", "free");
    delete(&mut store, "c", "");
    assert_eq!((attached(&store, 1).as_str(), attached(&store, 2).as_str()), ("", "a"));
}

#[test]
fn takes_its_keys_with_it() {
    let mut store = store();
    assert_eq!(revoke(&mut store, 1), Err(Error::LeaseNotFound));
    grant(&mut store, 1, 10).unwrap();
    ["c", "a"].iter().for_each(|key| drop(put_leased(&mut store, key, 1).unwrap()));
    put(&mut store, "b", "free");
    let Outcome::LeaseRevoke(response) = revoke(&mut store, 1).unwrap() else { unreachable!() };
    assert_eq!((response.header.unwrap().revision, store.revision()), (5, 5));
    let deleted: Vec<_> = store.events(5).unwrap().map(|event| (event.key, event.sub(), event.tombstone)).collect();
    assert_eq!(deleted, [(&b"a"[..], 0, true), (b"c", 1, true)]);
    assert!(store.lease(1).is_none());
    grant(&mut store, 1, 10).unwrap();
    revoke(&mut store, 1).unwrap();
    assert_eq!(store.revision(), 5, "without keys there is nothing new");
}

use super::*;
use crate::api::mvccpb::event::EventType;

#[test]
fn begin_with_any_revision_that_is_kept() {
    let mut store = store();
    (0..600).for_each(|_| put(&mut store, "k", "v"));
    for from in [-1, 0, 1, 2, 257, 258, 601, 602] {
        let seen: Vec<i64> = store.events(from).unwrap().map(|event| event.main).collect();
        assert_eq!(seen, (from.max(2)..=601).collect::<Vec<_>>());
    }
    compact(&mut store, 300).unwrap();
    assert!(store.purge(1_000));
    assert!(matches!(store.events(299).map(drop), Err(Error::Compacted)));
    assert_eq!(store.events(300).unwrap().count(), 302);
}

#[test]
fn look_as_clients_want_them() {
    let mut store = store();
    put(&mut store, "k", "v");
    delete(&mut store, "k", "");
    let events: Vec<_> = store.events(2).unwrap().map(|event| event.event()).collect();
    assert_eq!(events[0].r#type(), EventType::Put);
    let deleted = events[1].kv.as_ref().unwrap();
    assert_eq!(events[1].r#type(), EventType::Delete);
    assert_eq!(
        (&deleted.key[..], deleted.mod_revision, deleted.create_revision, deleted.version),
        (&b"k"[..], 3, 0, 0)
    );
}

#[test]
fn know_what_was_before() {
    let mut store = store();
    put(&mut store, "k", "2");
    put(&mut store, "k", "3");
    delete(&mut store, "k", "");
    put(&mut store, "k", "5");
    let before = |store: &Store, main| store.previous(b"k", main).map(|kv| kv.mod_revision);
    assert_eq!([2, 3, 4, 5, 6].map(|main| before(&store, main)), [None, Some(2), Some(3), None, Some(5)]);
    compact(&mut store, 3).unwrap();
    assert_eq!([3, 4].map(|main| before(&store, main)), [None, Some(3)]);
}

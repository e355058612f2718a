use super::*;

/// a: put at 2, 3, deleted at 4, put at 7; b: put at 5; c: put at 6, deleted at 8.
fn filled() -> Store {
    let mut store = store();
    put(&mut store, "a", "2");
    put(&mut store, "a", "3");
    delete(&mut store, "a", "");
    put(&mut store, "b", "5");
    put(&mut store, "c", "6");
    put(&mut store, "a", "7");
    delete(&mut store, "c", "");
    store
}

fn left(store: &Store) -> Vec<i64> {
    store.history.from(crate::store::Revision { main: 0, sub: 0 }).map(|record| record.main()).collect()
}

#[test]
fn revisions_below_become_unreadable_at_once() {
    let mut store = filled();
    assert_eq!(compact(&mut store, 9), Err(Error::FutureRevision));
    compact(&mut store, 5).unwrap();
    assert_eq!(compact(&mut store, 5), Err(Error::Compacted));
    let at = |revision| store.range(&RangeRequest { revision, ..range_request("a", "\0") });
    assert_eq!(at(4), Err(Error::Compacted));
    assert_eq!(keys(&at(5).unwrap()), "b");
    assert_eq!(keys(&at(6).unwrap()), "bc");
}

#[test]
fn an_empty_store_can_be_compacted_at_zero_once() {
    let mut store = store();
    assert_eq!(store.compact_revision(), -1);
    assert_eq!(compact(&mut store, -1), Err(Error::Compacted));
    compact(&mut store, 0).unwrap();
    assert_eq!(compact(&mut store, 0), Err(Error::Compacted));
}

#[test]
fn purging_takes_what_was_replaced() {
    let mut store = filled();
    compact(&mut store, 4).unwrap();
    assert!(store.needs_purge() && store.purge(100) && !store.needs_purge());
    assert_eq!(left(&store), [4, 5, 6, 7, 8], "a watch may begin with the deletion at 4");
    compact(&mut store, 8).unwrap();
    assert!(store.purge(100));
    assert_eq!(left(&store), [5, 7, 8]);
    put(&mut store, "d", "9");
    compact(&mut store, 9).unwrap();
    assert!(store.purge(100));
    assert_eq!(left(&store), [5, 7, 9]);
    assert!(store.index.get(b"c").is_none());
}

#[test]
fn purging_keeps_to_its_budget() {
    let mut store = store();
    for _ in 0..1_000 {
        put(&mut store, "k", "v");
        put(&mut store, "l", "v");
    }
    let revision = store.revision();
    compact(&mut store, revision).unwrap();
    let mut calls = 1;
    while !store.purge(100) {
        calls += 1;
    }
    assert_eq!((calls, left(&store)), (21, vec![2_000, 2_001]));
}

#[test]
fn a_compaction_amid_purging_begins_where_it_must() {
    let mut store = filled();
    compact(&mut store, 4).unwrap();
    while store.needs_purge() {
        compact(&mut store, 8).ok();
        store.purge(1);
    }
    assert_eq!(left(&store), [5, 7, 8]);
}

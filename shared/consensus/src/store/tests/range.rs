use super::*;
use crate::api::etcdserverpb::range_request::{SortOrder, SortTarget};

/// Keys a to e; versions 1, 2, 1, 3, 1; values descending.
fn filled() -> Store {
    let mut store = store();
    for (key, value) in [("a", "9"), ("b", "0"), ("d", "0"), ("c", "7"), ("b", "8"), ("d", "1"), ("d", "6"), ("e", "5")]
    {
        put(&mut store, key, value);
    }
    store
}

fn all() -> RangeRequest {
    range_request("a", "\0")
}

#[test]
fn the_end_decides_which_keys_are_meant() {
    let store = filled();
    let shown = |key, end| keys(&store.range(&range_request(key, end)).unwrap());
    assert_eq!(shown("b", ""), "b");
    assert_eq!(shown("b", "d"), "bc");
    assert_eq!(shown("b", "\0"), "bcde");
    assert_eq!(shown("\0", "\0"), "abcde");
    assert_eq!(shown("d", "b"), "");
    assert_eq!(shown("x", ""), "");
}

#[test]
fn a_limit_tells_of_more_and_of_all() {
    let store = filled();
    for (limit, shown, more) in [(0, "abcde", false), (-1, "abcde", false), (2, "ab", true), (5, "abcde", false)] {
        let response = store.range(&RangeRequest { limit, ..all() }).unwrap();
        assert_eq!((keys(&response).as_str(), response.more, response.count), (shown, more, 5));
    }
    let past = store.range(&RangeRequest { limit: 1, revision: 5, ..all() }).unwrap();
    assert_eq!((keys(&past).as_str(), past.more, past.count), ("a", true, 4));
    let counted = store.range(&RangeRequest { limit: 1, count_only: true, ..all() }).unwrap();
    assert_eq!((counted.kvs.len(), counted.more, counted.count), (0, false, 5));
}

#[test]
fn sorts_by_every_target() {
    let store = filled();
    let shown = |order: SortOrder, target: SortTarget, limit| {
        let request = RangeRequest { sort_order: order.into(), sort_target: target.into(), limit, ..all() };
        keys(&store.range(&request).unwrap())
    };
    assert_eq!(shown(SortOrder::Ascend, SortTarget::Key, 0), "abcde");
    assert_eq!(shown(SortOrder::Descend, SortTarget::Key, 2), "ed");
    assert_eq!(shown(SortOrder::Ascend, SortTarget::Version, 0), "acebd", "equals stay in the order of keys");
    assert_eq!(shown(SortOrder::Descend, SortTarget::Version, 3), "dba");
    assert_eq!(shown(SortOrder::Ascend, SortTarget::Create, 0), "abdce");
    assert_eq!(shown(SortOrder::None, SortTarget::Create, 4), "abdc", "ascending, unless asked otherwise");
    assert_eq!(shown(SortOrder::None, SortTarget::Version, 3), "acb", "no more is read than the limit and one");
    assert_eq!(shown(SortOrder::Descend, SortTarget::Mod, 0), "edbca");
    assert_eq!(shown(SortOrder::Ascend, SortTarget::Value, 1), "e");
}

#[test]
fn filters_do_not_change_the_count() {
    let store = filled();
    let request = RangeRequest { min_mod_revision: 5, max_mod_revision: 8, limit: 2, ..all() };
    let response = store.range(&request).unwrap();
    assert_eq!((keys(&response).as_str(), response.more, response.count), ("bc", true, 5));
    let request = RangeRequest { min_create_revision: 4, max_create_revision: 4, ..all() };
    assert_eq!(keys(&store.range(&request).unwrap()), "d");
}

#[test]
fn shows_keys_without_values() {
    let response = filled().range(&RangeRequest { keys_only: true, ..all() }).unwrap();
    assert!(response.kvs.iter().all(|kv| kv.value.is_empty() && kv.version > 0));
}

#[test]
fn reads_the_past_under_the_present_revision() {
    let mut store = filled();
    delete(&mut store, "a", "c");
    let response = store.range(&RangeRequest { revision: 3, ..all() }).unwrap();
    assert_eq!((keys(&response).as_str(), response.count), ("ab", 2));
    assert_eq!(response.header.unwrap().revision, 10);
    assert_eq!(keys(&store.range(&all()).unwrap()), "cde");
    assert_eq!(store.range(&RangeRequest { revision: 11, ..all() }), Err(Error::FutureRevision));
    assert_eq!(keys(&store.range(&RangeRequest { revision: -1, ..all() }).unwrap()), "cde");
}

use super::*;

fn put_response(store: &mut Store, request: PutRequest) -> Result<crate::api::etcdserverpb::PutResponse, Error> {
    apply(store, Operation::Put(request)).map(|outcome| match outcome {
        Outcome::Put(response) => response,
        other => unreachable!("{other:?}"),
    })
}

#[test]
fn versions_count_from_the_creation_on() {
    let mut store = store();
    put(&mut store, "a", "1");
    put(&mut store, "a", "2");
    let response = put_response(&mut store, PutRequest { prev_kv: true, ..put_request("a", "3") }).unwrap();
    assert_eq!(response.header.unwrap().revision, 4);
    let previous = response.prev_kv.unwrap();
    assert_eq!((previous.create_revision, previous.mod_revision, previous.version), (2, 3, 2));
    assert_eq!(delete(&mut store, "a", ""), 1);
    let response = put_response(&mut store, PutRequest { prev_kv: true, ..put_request("a", "4") }).unwrap();
    assert!(response.prev_kv.is_none(), "it was deleted");
    let kv = &store.range(&range_request("a", "")).unwrap().kvs[0];
    assert_eq!((kv.create_revision, kv.mod_revision, kv.version), (6, 6, 1));
}

#[test]
fn keeps_value_or_lease_of_a_key_that_exists() {
    let mut store = store();
    let keep_value = || PutRequest { ignore_value: true, ..put_request("a", "") };
    let keep_lease = || PutRequest { ignore_lease: true, ..put_request("a", "new") };
    assert_eq!(put_response(&mut store, keep_value()), Err(Error::KeyNotFound));
    assert_eq!(put_response(&mut store, keep_lease()), Err(Error::KeyNotFound));
    grant(&mut store, 7, 10).unwrap();
    put_leased(&mut store, "a", 7).unwrap();
    put_response(&mut store, keep_lease()).unwrap();
    assert_eq!(store.lease(7).unwrap().keys().len(), 1);
    put_response(&mut store, keep_value()).unwrap();
    let kv = &store.range(&range_request("a", "")).unwrap().kvs[0];
    assert_eq!((&kv.value[..], kv.lease), (&b"new"[..], 0));
    assert_eq!(store.lease(7).unwrap().keys().len(), 0);
    assert_eq!(store.revision(), 4);
}

#[test]
fn deleting_nothing_makes_no_revision() {
    let mut store = store();
    assert_eq!(delete(&mut store, "a", ""), 0);
    assert_eq!(store.revision(), 1);
    "abc".chars().for_each(|key| put(&mut store, &key.to_string(), "v"));
    assert_eq!(delete(&mut store, "b", "a"), 0, "an end below the beginning");
    let outcome = apply(&mut store, Operation::DeleteRange(delete_request("a", "c"))).unwrap();
    let Outcome::DeleteRange(response) = outcome else { unreachable!() };
    assert_eq!((response.deleted, response.header.unwrap().revision), (2, 5));
    assert_eq!(response.prev_kvs.iter().map(|kv| kv.mod_revision).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(delete(&mut store, "a", "\0"), 1);
    assert_eq!(store.revision(), 6);
}

#[test]
fn a_command_from_the_future_is_refused() {
    assert_eq!(store().apply(Command::default()), Err(Error::UnknownCommand));
}

use bytes::Bytes;
use prost::Message;

use super::*;
use crate::api::etcdserverpb::Member;
use crate::api::logpb::{MemberChange, SnapshotHead, SnapshotRecords};
use crate::store::{Position, Restore, RestoreError};

fn chunks(store: &mut Store, max_bytes: usize) -> Vec<Bytes> {
    let position = Position { cluster_id: 3, index: 17, term: 2, voters: vec![1, 2], ..Position::default() };
    let mut snapshot = store.begin_snapshot(position);
    let chunks = std::iter::from_fn(|| store.snapshot_chunk(&mut snapshot, max_bytes)).collect();
    store.end_snapshot(snapshot);
    chunks
}

fn restore(chunks: impl IntoIterator<Item = Bytes>) -> Result<(Store, SnapshotHead), RestoreError> {
    let mut restore = Restore::new(Limits::default());
    chunks.into_iter().try_for_each(|chunk| restore.push(chunk))?;
    restore.finish()
}

fn filled() -> Store {
    let mut store = store();
    grant(&mut store, 1, 10).unwrap();
    for number in 0..100 {
        put(&mut store, &format!("key-{}", number % 30), &"v".repeat(number));
    }
    put_leased(&mut store, "leased", 1).unwrap();
    delete(&mut store, "key-2", "key-3");
    store.change_members(&MemberChange {
        member: Some(Member { id: 4, ..Member::default() }),
        ..MemberChange::default()
    });
    assert!(store.accept(4, 1, 1, 0));
    store
}

#[test]
fn restores_everything() {
    let mut store = filled();
    let (mut restored, head) = restore(chunks(&mut store, 500)).unwrap();
    assert_eq!((head.cluster_id, head.index, head.term, head.voters), (3, 17, 2, vec![1, 2]));
    assert_eq!(restored.hash(), store.hash());
    assert_eq!(restored.hash_kv(0), store.hash_kv(0));
    assert_eq!(restored.members(), store.members());
    assert!(!restored.accept(4, 1, 1, 0));
    assert_eq!(restored.size(), store.size());
    assert!(revoke(&mut restored, 1).is_ok());
    assert_eq!(restored.range(&range_request("leased", "")).unwrap().count, 0);
}

#[test]
fn chunks_are_messages_of_about_the_asked_size() {
    let mut store = filled();
    let chunks = chunks(&mut store, 500);
    let head = SnapshotHead::decode(chunks[0].clone()).unwrap();
    let records: Vec<_> = chunks[1..].iter().map(|chunk| SnapshotRecords::decode(chunk.clone()).unwrap()).collect();
    assert_eq!(head.records, records.iter().map(|chunk| chunk.records.len() as u64).sum());
    assert!(chunks.len() > 8 && chunks.iter().all(|chunk| chunk.len() < 1_000));
}

#[test]
fn nothing_is_purged_while_one_is_taken() {
    let mut store = filled();
    let before = store.history.len();
    let revision = store.revision();
    compact(&mut store, revision).unwrap();
    let snapshot = store.begin_snapshot(Position::default());
    assert!(store.purge(1_000) && store.needs_purge());
    assert_eq!(store.history.len(), before);
    drop(snapshot);
    assert!(store.purge(1_000) && !store.needs_purge());
    assert!(store.history.len() < before);
}

#[test]
fn another_store_does_not_go_on_with_it() {
    let store = filled();
    let mut snapshot = store.begin_snapshot(Position::default());
    assert!(store.serves(&snapshot) && !filled().serves(&snapshot));
    assert!(filled().snapshot_chunk(&mut snapshot, 100).is_none());
}

#[test]
fn damage_is_found() {
    let mut store = filled();
    let whole = chunks(&mut store, 500);
    let changed = |chunk: usize, byte: usize| {
        let mut chunks = whole.clone();
        let mut bytes = chunks[chunk].to_vec();
        bytes[byte] ^= 1;
        chunks[chunk] = bytes.into();
        chunks
    };
    for byte in 0..whole[3].len() {
        assert_eq!(restore(changed(3, byte)).err(), Some(RestoreError::Checksum { chunk: 3 }));
    }
    let cut = |chunk: usize| {
        let mut chunks = whole.clone();
        chunks.remove(chunk);
        restore(chunks).err()
    };
    assert!(cut(0).is_some());
    let is_incomplete = |error| matches!(error, Some(RestoreError::Incomplete { .. }));
    assert!(is_incomplete(cut(4)));
    assert!(is_incomplete(cut(whole.len() - 1)));
    let mut twice = whole.clone();
    twice.insert(2, whole[2].clone());
    assert!(matches!(restore(twice).err(), Some(RestoreError::Record { fault: "comes out of order", .. })));
    assert_eq!(restore([]).err(), Some(RestoreError::Empty));
    assert_eq!(restore([Bytes::from_static(b"short")]).err(), Some(RestoreError::Checksum { chunk: 0 }));
}

mod model;

use super::*;
use crate::{
    api::{
        etcdserverpb::{CompactionRequest, PutRequest},
        logpb::{Command, command::Operation},
    },
    store::{Limits, Position, Restore},
};
use bytes::Bytes;
use model::key;

fn watch_one(start_revision: i64) -> WatchCreateRequest {
    WatchCreateRequest { key: key(0), start_revision, prev_kv: true, ..WatchCreateRequest::default() }
}

fn put_one(store: &mut Store, size: usize) {
    let request = PutRequest { key: key(0), value: vec![b'v'; size].into(), ..PutRequest::default() };
    store.apply(Command { operation: Some(Operation::Put(request)) }).unwrap();
}

fn compact(store: &mut Store, revision: i64) {
    let request = CompactionRequest { revision, physical: false };
    store.apply(Command { operation: Some(Operation::Compact(request)) }).unwrap();
}

fn deliveries(outbox: &Outbox) -> Vec<Delivery> {
    std::iter::from_fn(|| outbox.take()).map(|taken| taken.delivery).collect()
}

#[test]
fn a_compaction_does_not_end_a_watcher_that_is_not_behind() {
    let mut store = Store::new(Limits::default());
    let mut hub = Hub::new(store.revision());
    let (stream, outbox) = hub.open();
    hub.watch(&store, stream, watch_one(0));
    (0..5).for_each(|_| put_one(&mut store, 1));
    let last = store.revision();
    compact(&mut store, last);
    hub.applied(&store);
    while !store.purge(10) {}
    put_one(&mut store, 1);
    hub.applied(&store);
    let events: usize = deliveries(&outbox).iter().map(|delivery| delivery.decode_events().unwrap().len()).sum();
    assert_eq!(events, 6);
}

#[test]
fn a_watcher_that_begins_before_the_compaction_is_ended() {
    let mut store = Store::new(Limits::default());
    (0..5).for_each(|_| put_one(&mut store, 1));
    compact(&mut store, 4);
    let mut hub = Hub::new(store.revision());
    let (stream, outbox) = hub.open();
    hub.watch(&store, stream, watch_one(3));
    hub.watch(&store, stream, watch_one(4));
    assert!(!hub.catch_up(&store, 100));
    let told = deliveries(&outbox);
    assert!(told.contains(&Delivery::Compacted { watch_id: 0, compact_revision: 4 }));
    let events: usize = told.iter().map(|delivery| delivery.decode_events().unwrap().len()).sum();
    assert_eq!(events, 3, "at the compact revision itself nothing is lost");
    // Its identifier is taken until it is canceled.
    hub.watch(&store, stream, WatchCreateRequest { watch_id: 1, ..watch_one(0) });
    hub.cancel(&store, stream, 0);
    let told = deliveries(&outbox);
    assert!(matches!(told[0], Delivery::Refused { .. }));
    assert_eq!(told[1], Delivery::Canceled { watch_id: 0, revision: 6 });
    assert_eq!(hub.watchers(), 1);
}

#[test]
fn a_snapshot_in_the_store_s_place_ends_whoever_misses_what_its_maker_had_purged() {
    let store = Store::new(Limits::default());
    let mut hub = Hub::new(store.revision());
    let (stream, outbox) = hub.open();
    hub.watch(&store, stream, watch_one(0));
    let mut ahead = Store::new(Limits::default());
    (0..9).for_each(|_| put_one(&mut ahead, 1));
    compact(&mut ahead, 8);
    while !ahead.purge(10) {}
    let mut snapshot = ahead.begin_snapshot(Position::default());
    let mut restore = Restore::new(Limits::default());
    while let Some(chunk) = ahead.snapshot_chunk(&mut snapshot, 1_000) {
        restore.push(chunk).unwrap();
    }
    let (store, _) = restore.finish().unwrap();
    hub.applied(&store);
    hub.catch_up(&store, 100);
    let told = deliveries(&outbox);
    assert_eq!(told.last(), Some(&Delivery::Compacted { watch_id: 0, compact_revision: 8 }));
    assert_eq!(told.len(), 2, "and nothing else but that it was created");
}

#[test]
fn what_waits_for_a_slow_stream_is_bounded() {
    let mut store = Store::new(Limits::default());
    let mut hub = Hub::new(store.revision());
    let (stream, outbox) = hub.open();
    (0..10).for_each(|_| hub.watch(&store, stream, watch_one(0)));
    for _ in 0..2_000 {
        put_one(&mut store, 10_000);
        hub.applied(&store);
    }
    assert!(!hub.catch_up(&store, 1_000), "there is no room");
    assert_eq!(hub.behind(), 10);
    let waiting: usize = deliveries(&outbox)
        .iter()
        .map(|delivery| match delivery {
            Delivery::Events { events, .. } => events.iter().map(Bytes::len).sum(),
            _ => 0,
        })
        .sum();
    assert!(waiting < 16 << 20, "{waiting} bytes waited");
    let mut events = 0;
    while hub.behind() > 0 {
        hub.catch_up(&store, 1_000);
        events += deliveries(&outbox).iter().map(|told| told.decode_events().unwrap().len()).sum::<usize>();
    }
    assert!(events > 10_000);
}

#[test]
fn events_are_encoded_once_for_all() {
    let mut store = Store::new(Limits::default());
    let mut hub = Hub::new(store.revision());
    let streams: Vec<_> = (0..3).map(|_| hub.open()).collect();
    streams.iter().for_each(|(stream, _)| hub.watch(&store, *stream, watch_one(0)));
    put_one(&mut store, 1_000);
    hub.applied(&store);
    let addresses: Vec<_> = streams
        .iter()
        .map(|(_, outbox)| match &deliveries(outbox)[1] {
            Delivery::Events { events, .. } => events[0].as_ptr(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(addresses.iter().all(|address| *address == addresses[0]));
}

#[test]
fn progress_is_told_when_all_have_come_so_far() {
    let mut store = Store::new(Limits::default());
    (0..3).for_each(|_| put_one(&mut store, 1));
    let mut hub = Hub::new(store.revision());
    let (stream, outbox) = hub.open();
    hub.request_progress(&store, stream);
    assert_eq!(deliveries(&outbox), [], "nobody to speak for");
    hub.watch(&store, stream, watch_one(0));
    hub.watch(&store, stream, watch_one(2));
    hub.request_progress(&store, stream);
    assert_eq!(deliveries(&outbox).len(), 2, "one is behind");
    hub.catch_up(&store, 100);
    hub.request_progress(&store, stream);
    assert_eq!(deliveries(&outbox).last(), Some(&Delivery::Progress { watch_id: ALL_WATCHERS, revision: 4 }));
    hub.watch(&store, stream, watch_one(7));
    hub.request_progress(&store, stream);
    assert_eq!(deliveries(&outbox).len(), 1, "one waits for the future");
}

#[test]
fn periodic_progress_is_for_the_quiet_who_asked() {
    let mut store = Store::new(Limits::default());
    let mut hub = Hub::new(store.revision());
    let (stream, outbox) = hub.open();
    hub.watch(&store, stream, WatchCreateRequest { progress_notify: true, ..watch_one(0) });
    hub.watch(&store, stream, watch_one(0));
    deliveries(&outbox);
    put_one(&mut store, 1);
    hub.report_progress(&store, stream);
    assert_eq!(deliveries(&outbox).len(), 2, "events and nothing else");
    hub.report_progress(&store, stream);
    assert_eq!(deliveries(&outbox), [Delivery::Progress { watch_id: 0, revision: 2 }]);
}

#[test]
#[cfg(feature = "faults")]
fn the_fault_leaves_out_the_first_event_of_the_past() {
    use crate::faults::{self, Fault};

    let mut store = Store::new(Limits::default());
    (0..3).for_each(|_| put_one(&mut store, 1));
    let mut hub = Hub::new(store.revision());
    let (stream, outbox) = hub.open();
    faults::set(Some(Fault::WatchGap));
    hub.watch(&store, stream, watch_one(2));
    faults::set(None);
    hub.catch_up(&store, 100);
    let events: usize = deliveries(&outbox).iter().map(|delivery| delivery.decode_events().unwrap().len()).sum();
    assert_eq!(events, 2);
}

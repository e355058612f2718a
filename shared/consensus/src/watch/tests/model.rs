//! Any sequence of steps, against a model that remembers all events.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use proptest::prelude::*;

use super::super::{outbox::Bounds, *};
use crate::{
    api::{
        etcdserverpb::{
            CompactionRequest, DeleteRangeRequest, PutRequest, RequestOp, TxnRequest, request_op::Request,
            watch_create_request::FilterType,
        },
        logpb::{Command, command::Operation},
        mvccpb::{Event, event::EventType},
    },
    store::Limits,
};

const STREAMS: usize = 3;

#[derive(Clone, Debug)]
enum Step {
    /// Puts of different keys in one revision.
    Put(Vec<(u8, usize)>),
    Delete(u8, u8),
    /// This many revisions before the current one.
    Compact(i64),
    Purge,
    Create {
        stream: usize,
        request: WatchCreateRequest,
        back: Option<i64>,
    },
    Cancel {
        stream: usize,
        nth: usize,
    },
    Take {
        stream: usize,
        count: usize,
    },
    Applied,
    CatchUp(usize),
    RequestProgress(usize),
    ReportProgress(usize),
    Close(usize),
}

pub(super) fn key(number: u8) -> Bytes {
    Bytes::from(vec![b'k', b'a' + number % 6])
}

fn creation() -> impl Strategy<Value = Step> {
    let filters = proptest::collection::vec(0..2_i32, 0..2);
    let options = (any::<bool>(), any::<bool>(), filters);
    let keys = prop_oneof![
        (0..6_u8).prop_map(|one| (key(one), Bytes::new())),
        (0..6_u8, 0..6_u8).prop_map(|(from, to)| (key(from), key(to))),
        Just((Bytes::from_static(b"k"), Bytes::from_static(b"l"))),
        Just((Bytes::new(), Bytes::from_static(b"\0"))),
    ];
    (0..STREAMS, keys, proptest::option::of(-3..20_i64), options, 0..4_i64).prop_map(
        |(stream, (key, range_end), back, (prev_kv, progress_notify, filters), watch_id)| {
            let request = WatchCreateRequest {
                key,
                range_end,
                prev_kv,
                progress_notify,
                filters,
                watch_id,
                ..WatchCreateRequest::default()
            };
            Step::Create { stream, request, back }
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        10 => proptest::collection::vec((0..6_u8, 0..300_usize), 1..4).prop_map(Step::Put),
        2 => (0..6_u8, 0..6_u8).prop_map(|(from, to)| Step::Delete(from, to)),
        1 => (0..12_i64).prop_map(Step::Compact),
        1 => Just(Step::Purge),
        4 => creation(),
        1 => (0..STREAMS, 0..8_usize).prop_map(|(stream, nth)| Step::Cancel { stream, nth }),
        3 => (0..STREAMS, 0..8_usize).prop_map(|(stream, count)| Step::Take { stream, count }),
        4 => Just(Step::Applied),
        4 => (0..12_usize).prop_map(Step::CatchUp),
        1 => (0..STREAMS).prop_map(Step::RequestProgress),
        1 => (0..STREAMS).prop_map(Step::ReportProgress),
        1 => (0..STREAMS * 8).prop_map(Step::Close),
    ]
}

/// What a watcher has to get, and what it got.
struct Expectation {
    request: WatchCreateRequest,
    from: i64,
    got: Vec<Event>,
    told_upto: i64,
    ended: Option<Ended>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Ended {
    Canceled,
    Compacted(i64),
}

struct World {
    store: Store,
    hub: Hub,
    /// All events ever, with the versions before them.
    events: Vec<Event>,
    live: BTreeMap<Bytes, crate::api::mvccpb::KeyValue>,
    streams: Vec<(StreamId, Arc<Outbox>)>,
    asked: Vec<std::collections::VecDeque<(WatchCreateRequest, i64)>>,
    watchers: Vec<HashMap<WatchId, Expectation>>,
    done: Vec<Expectation>,
}

impl World {
    fn new() -> Self {
        let store = Store::new(Limits::default());
        let mut hub = Hub::new(store.revision());
        hub.bounds = Bounds { stream: 1_500, delivery: 400 };
        let streams = (0..STREAMS).map(|_| hub.open()).collect();
        Self {
            store,
            hub,
            events: Vec::new(),
            live: BTreeMap::new(),
            streams,
            asked: vec![Default::default(); STREAMS],
            watchers: (0..STREAMS).map(|_| HashMap::new()).collect(),
            done: Vec::new(),
        }
    }

    fn run(&mut self, step: Step) {
        match step {
            Step::Put(puts) => self.put(puts),
            Step::Delete(from, to) => self.apply(Operation::DeleteRange(DeleteRangeRequest {
                key: key(from),
                range_end: key(to),
                prev_kv: false,
            })),
            Step::Compact(back) => {
                let revision = self.store.revision() - back;
                let request = CompactionRequest { revision, physical: false };
                drop(self.store.apply(Command { operation: Some(Operation::Compact(request)) }));
            }
            Step::Purge => {
                self.hub.applied(&self.store);
                while !self.store.purge(3) {}
            }
            Step::Create { stream, request, back } => self.create(stream, request, back),
            Step::Cancel { stream, nth } => {
                let mut ids: Vec<_> = self.watchers[stream].keys().copied().collect();
                ids.sort_unstable();
                if let Some(id) = ids.get(nth) {
                    self.hub.cancel(&self.store, self.streams[stream].0, *id);
                    self.take(stream, usize::MAX);
                }
            }
            Step::Take { stream, count } => self.take(stream, count),
            Step::Applied => self.hub.applied(&self.store),
            Step::CatchUp(budget) => _ = self.hub.catch_up(&self.store, budget),
            Step::RequestProgress(stream) => self.hub.request_progress(&self.store, self.streams[stream].0),
            Step::ReportProgress(stream) => self.hub.report_progress(&self.store, self.streams[stream].0),
            Step::Close(stream) => self.close(stream),
        }
    }

    fn put(&mut self, puts: Vec<(u8, usize)>) {
        let different: BTreeMap<Bytes, usize> = puts.into_iter().map(|(number, size)| (key(number), size)).collect();
        let puts = different.into_iter().map(|(key, size)| RequestOp {
            request: Some(Request::RequestPut(PutRequest {
                key,
                value: vec![0; size].into(),
                ..PutRequest::default()
            })),
        });
        self.apply(Operation::Txn(TxnRequest { success: puts.collect(), ..TxnRequest::default() }));
    }

    fn apply(&mut self, operation: Operation) {
        let before = self.store.revision();
        self.store.apply(Command { operation: Some(operation) }).unwrap();
        for event in self.store.events(before + 1).unwrap() {
            let mut event = event.event();
            let kv = event.kv.clone().unwrap();
            event.prev_kv = self.live.remove(&kv.key);
            if event.r#type() == EventType::Put {
                self.live.insert(kv.key.clone(), kv);
            }
            self.events.push(event);
        }
    }

    fn create(&mut self, stream: usize, mut request: WatchCreateRequest, back: Option<i64>) {
        let next = self.store.revision() + 1;
        request.start_revision = back.map_or(0, |back| (next - back).max(1));
        let from = if request.start_revision == 0 { next } else { request.start_revision };
        self.asked[stream].push_back((request.clone(), from));
        self.hub.watch(&self.store, self.streams[stream].0, request);
        self.take(stream, usize::MAX);
    }

    fn close(&mut self, stream: usize) {
        if stream < STREAMS {
            self.hub.close(self.streams[stream].0);
            self.streams[stream] = self.hub.open();
            self.watchers[stream].clear();
        }
    }

    fn take(&mut self, stream: usize, count: usize) {
        for _ in 0..count {
            let Some(taken) = self.streams[stream].1.take() else { return };
            self.receive(stream, taken.delivery);
        }
    }

    fn receive(&mut self, stream: usize, delivery: Delivery) {
        let watchers = &mut self.watchers[stream];
        match &delivery {
            Delivery::Created { watch_id, .. } => {
                let (request, from) = self.asked[stream].pop_front().unwrap();
                let expectation = Expectation { request, from, got: Vec::new(), told_upto: 0, ended: None };
                let known = watchers.insert(*watch_id, expectation);
                assert!(known.is_none(), "watcher {watch_id} exists twice");
            }
            Delivery::Refused { .. } => drop(self.asked[stream].pop_front().unwrap()),
            Delivery::Events { watch_id, revision, .. } => {
                let events = delivery.decode_events().unwrap();
                let watcher = watchers.get_mut(watch_id).unwrap();
                assert!(watcher.ended.is_none());
                let first = events.first().unwrap().kv.as_ref().unwrap().mod_revision;
                assert!(first > watcher.told_upto, "a revision comes whole");
                assert!(events.last().unwrap().kv.as_ref().unwrap().mod_revision <= *revision);
                watcher.got.extend(events);
                watcher.told_upto = *revision;
                watcher.check(&self.events, *revision);
            }
            Delivery::Progress { watch_id: ALL_WATCHERS, revision } => {
                for watcher in watchers.values_mut().filter(|watcher| watcher.ended.is_none()) {
                    watcher.told_upto = *revision;
                    watcher.check(&self.events, *revision);
                }
            }
            Delivery::Progress { watch_id, revision } => {
                let watcher = watchers.get_mut(watch_id).unwrap();
                assert!(watcher.request.progress_notify);
                watcher.told_upto = *revision;
                watcher.check(&self.events, *revision);
            }
            Delivery::Canceled { watch_id, .. } => {
                let mut watcher = watchers.remove(watch_id).unwrap();
                watcher.ended.get_or_insert(Ended::Canceled);
                self.done.push(watcher);
            }
            Delivery::Compacted { watch_id, compact_revision } => {
                watchers.get_mut(watch_id).unwrap().ended = Some(Ended::Compacted(*compact_revision));
            }
        }
    }

    /// Lets everything come to rest.
    fn settle(&mut self) {
        loop {
            let more = self.hub.catch_up(&self.store, 2);
            (0..STREAMS).for_each(|stream| self.take(stream, usize::MAX));
            if !more && self.hub.behind() == 0 {
                return;
            }
        }
    }

    fn check(self) {
        for watcher in self.watchers.iter().flat_map(HashMap::values).chain(&self.done) {
            match watcher.ended {
                None => watcher.check(&self.events, i64::MAX),
                Some(Ended::Canceled) => watcher.check(&self.events, watcher.told_upto),
                Some(Ended::Compacted(revision)) => {
                    watcher.check(&self.events, watcher.told_upto);
                    assert!(watcher.from.max(watcher.told_upto + 1) < revision, "what it needed was there");
                }
            }
        }
    }
}

impl Expectation {
    /// It got all of its events up to a revision, and nothing else.
    fn check(&self, all: &[Event], upto: i64) {
        let expected: Vec<&Event> = all.iter().filter(|event| self.wants(event, upto)).collect();
        assert_eq!(self.got.len(), expected.len(), "{:?} from {} up to {upto}", self.request, self.from);
        for (got, expected) in self.got.iter().zip(expected) {
            assert_eq!((&got.kv, got.r#type), (&expected.kv, expected.r#type));
            match &got.prev_kv {
                // The version before may have been compacted meanwhile.
                None => {}
                previous => assert_eq!((previous, true), (&expected.prev_kv, self.request.prev_kv)),
            }
        }
    }

    fn wants(&self, event: &Event, upto: i64) -> bool {
        let kv = event.kv.as_ref().unwrap();
        let first: &[u8] = if self.request.key.is_empty() { b"\0" } else { &self.request.key };
        let contained = match &self.request.range_end[..] {
            [] => kv.key == first,
            [0] => &kv.key[..] >= first,
            end => &kv.key[..] >= first && &kv.key[..] < end,
        };
        let filter = if event.r#type() == EventType::Put { FilterType::Noput } else { FilterType::Nodelete };
        let filtered = self.request.filters.contains(&i32::from(filter));
        contained && !filtered && kv.mod_revision >= self.from && kv.mod_revision <= upto
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn every_watcher_gets_exactly_its_events(steps in proptest::collection::vec(step(), 1..120)) {
        let mut world = World::new();
        steps.into_iter().for_each(|step| world.run(step));
        world.settle();
        world.check();
    }
}

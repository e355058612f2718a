//! The Watch service.

use consensus::api::{
    etcdserverpb::{
        CompactionRequest, DeleteRangeRequest, PutRequest, WatchCancelRequest, WatchCreateRequest,
        WatchProgressRequest, WatchRequest, WatchResponse, watch_request::RequestUnion,
    },
    mvccpb::{Event, event::EventType},
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::{Code, Request, Streaming, metadata::MetadataValue};

use crate::{
    grpc::{Alone, connect, refusal, told},
    member::{Place, READY},
};

/// One stream of a client.
struct Watch {
    requests: mpsc::UnboundedSender<WatchRequest>,
    responses: Streaming<WatchResponse>,
}

impl Watch {
    async fn open(alone: &Alone) -> Self {
        let (requests, receiver) = mpsc::unbounded_channel();
        let responses = alone.watch().watch(UnboundedReceiverStream::new(receiver)).await.unwrap().into_inner();
        Self { requests, responses }
    }

    fn ask(&self, request: RequestUnion) {
        self.requests.send(WatchRequest { request_union: Some(request) }).unwrap();
    }

    async fn next(&mut self) -> WatchResponse {
        self.responses.message().await.unwrap().unwrap()
    }

    async fn create(&mut self, request: WatchCreateRequest) -> WatchResponse {
        self.ask(RequestUnion::CreateRequest(request));
        self.next().await
    }

    async fn events(&mut self, count: usize) -> Vec<Event> {
        let mut events = Vec::new();
        while events.len() < count {
            events.extend(self.next().await.events);
        }
        events
    }
}

fn one(key: &'static str) -> WatchCreateRequest {
    WatchCreateRequest { key: key.into(), ..WatchCreateRequest::default() }
}

async fn put(alone: &Alone, key: &'static str, value: Vec<u8>) -> i64 {
    let request = PutRequest { key: key.into(), value: value.into(), ..PutRequest::default() };
    alone.kv().put(request).await.unwrap().into_inner().header.unwrap().revision
}

#[tokio::test]
async fn a_watcher_is_created_told_and_canceled() {
    let alone = Alone::start().await;
    let mut watch = Watch::open(&alone).await;
    let created = watch.create(WatchCreateRequest { prev_kv: true, ..one("a") }).await;
    assert!(created.created && !created.canceled);
    assert_eq!((created.watch_id, created.header.unwrap().revision), (0, 1));
    put(&alone, "a", b"1".to_vec()).await;
    put(&alone, "b", b"1".to_vec()).await;
    alone.kv().delete_range(DeleteRangeRequest { key: "a".into(), ..Default::default() }).await.unwrap();
    let events = watch.events(2).await;
    assert_eq!(events[0].prev_kv, None);
    assert_eq!(events[1].r#type(), EventType::Delete);
    assert_eq!(events[1].kv.as_ref().unwrap().mod_revision, 4);
    assert_eq!(events[1].prev_kv.as_ref().unwrap().value, "1");
    watch.ask(RequestUnion::CancelRequest(WatchCancelRequest { watch_id: 0 }));
    let canceled = watch.next().await;
    assert!(canceled.canceled && !canceled.created);
    assert_eq!((canceled.watch_id, canceled.cancel_reason.as_str()), (0, ""));
}

#[tokio::test]
async fn identifiers_are_the_clients_or_the_next() {
    let alone = Alone::start().await;
    let mut watch = Watch::open(&alone).await;
    assert_eq!(watch.create(WatchCreateRequest { watch_id: 1, ..one("a") }).await.watch_id, 1);
    assert_eq!(watch.create(one("a")).await.watch_id, 0);
    assert_eq!(watch.create(one("a")).await.watch_id, 2);
    let refused = watch.create(WatchCreateRequest { watch_id: 2, ..one("a") }).await;
    assert_eq!((refused.watch_id, refused.created, refused.canceled), (-1, true, true));
    assert_eq!(refused.cancel_reason, "mvcc: duplicate watch ID provided on the WatchStream");
    let empty = watch.create(WatchCreateRequest { range_end: "a".into(), ..one("b") }).await;
    assert_eq!(empty.cancel_reason, "mvcc: watcher range is empty");
    let negative = watch.create(WatchCreateRequest { start_revision: -1, ..one("b") }).await;
    assert_eq!(negative.cancel_reason, "etcdserver: mvcc: required revision has been compacted");
}

#[tokio::test]
async fn the_past_is_read_and_the_future_waited_for() {
    let alone = Alone::start().await;
    for value in 0..5 {
        put(&alone, "a", vec![value]).await;
    }
    alone.kv().compact(CompactionRequest { revision: 4, physical: false }).await.unwrap();
    let mut watch = Watch::open(&alone).await;
    assert!(watch.create(WatchCreateRequest { start_revision: 3, ..one("a") }).await.created);
    let compacted = watch.next().await;
    assert!(compacted.canceled);
    assert_eq!((compacted.watch_id, compacted.compact_revision, compacted.header.unwrap().revision), (0, 4, 0));
    watch.create(WatchCreateRequest { start_revision: 4, ..one("a") }).await;
    let revisions = |events: &[Event]| events.iter().map(|e| e.kv.as_ref().unwrap().mod_revision).collect::<Vec<_>>();
    assert_eq!(revisions(&watch.events(3).await), [4, 5, 6]);
    watch.create(WatchCreateRequest { start_revision: 8, ..one("b") }).await;
    put(&alone, "b", Vec::new()).await;
    put(&alone, "b", Vec::new()).await;
    assert_eq!(revisions(&watch.events(1).await), [8]);
}

#[tokio::test]
async fn progress_is_reported_on_request() {
    let alone = Alone::start().await;
    let mut watch = Watch::open(&alone).await;
    watch.create(one("a")).await;
    let revision = put(&alone, "other", Vec::new()).await;
    watch.ask(RequestUnion::ProgressRequest(WatchProgressRequest {}));
    let progress = watch.next().await;
    assert!(progress.events.is_empty() && !progress.created && !progress.canceled);
    assert_eq!((progress.watch_id, progress.header.unwrap().revision), (-1, revision));
}

#[tokio::test]
async fn progress_is_reported_where_nothing_comes() {
    let alone = Alone::start_with(&["--watch-progress-notify-interval=100ms"]).await;
    let mut watch = Watch::open(&alone).await;
    watch.create(WatchCreateRequest { progress_notify: true, ..one("a") }).await;
    let revision = put(&alone, "other", Vec::new()).await;
    loop {
        let progress = watch.next().await;
        assert!(progress.events.is_empty());
        assert_eq!(progress.watch_id, 0);
        if progress.header.unwrap().revision == revision {
            return;
        }
    }
}

#[tokio::test]
async fn a_compaction_ends_no_watcher_that_keeps_up() {
    let alone = Alone::start().await;
    let mut watch = Watch::open(&alone).await;
    watch.create(one("a")).await;
    for round in 0..100 {
        let revision = put(&alone, "a", vec![round]).await;
        alone.kv().compact(CompactionRequest { revision, physical: false }).await.unwrap();
    }
    assert_eq!(watch.events(100).await.len(), 100);
}

#[tokio::test]
async fn a_slow_client_misses_nothing() {
    let alone = Alone::start().await;
    let mut watch = Watch::open(&alone).await;
    watch.create(WatchCreateRequest { range_end: "b".into(), ..one("a") }).await;
    for value in 0..60_u8 {
        put(&alone, "a", vec![value; 500_000]).await;
    }
    let events = watch.events(60).await;
    let values: Vec<u8> = events.iter().map(|event| event.kv.as_ref().unwrap().value[0]).collect();
    assert_eq!(values, (0..60).collect::<Vec<u8>>());
}

#[tokio::test]
async fn many_streams_get_the_same() {
    let alone = Alone::start().await;
    let mut watches = Vec::new();
    for _ in 0..20 {
        let mut watch = Watch::open(&alone).await;
        watch.create(one("a")).await;
        watch.create(WatchCreateRequest { key: "\0".into(), range_end: "\0".into(), ..one("") }).await;
        watches.push(watch);
    }
    for value in 0..10 {
        put(&alone, "a", vec![value]).await;
    }
    for watch in &mut watches {
        assert_eq!(watch.events(20).await.len(), 20);
    }
}

#[tokio::test]
async fn who_requires_a_leader_is_not_served_without() {
    let folder = tempfile::tempdir().unwrap();
    let places = ["one", "two", "three"].map(|name| Place::new(&folder, name));
    let cluster: Vec<&Place> = places.iter().collect();
    let flags = ["--heartbeat-interval=20", "--election-timeout=200"];
    let mut members: Vec<_> = places.iter().map(|place| place.start(&cluster, &flags)).collect();
    members.iter_mut().for_each(|member| drop(member.wait_for(READY)));
    let channel = connect(&places[0]).await;
    let requiring = |request: tonic::Request<UnboundedReceiverStream<WatchRequest>>| {
        let mut request = request;
        request.metadata_mut().insert("hasleader", MetadataValue::from_static("true"));
        request
    };
    let mut client = coordinator::proto::etcdserverpb::watch_client::WatchClient::new(channel);
    let (_requests, receiver) = mpsc::unbounded_channel();
    let request = requiring(Request::new(UnboundedReceiverStream::new(receiver)));
    let mut responses = client.watch(request).await.unwrap().into_inner();
    members.drain(1..).for_each(|member| member.kill());
    let no_leader = told(Code::Unavailable, "etcdserver: no leader");
    assert_eq!(refusal(responses.message().await), no_leader);
    let (_requests, receiver) = mpsc::unbounded_channel();
    let request = requiring(Request::new(UnboundedReceiverStream::new(receiver)));
    assert_eq!(refusal(client.watch(request).await.map(|_| ())), no_leader);
}

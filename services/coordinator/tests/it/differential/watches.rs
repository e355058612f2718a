//! Watches on both servers, made at random moments from random revisions: each must be told the same.

use bytes::Bytes;
use consensus::api::etcdserverpb::{
    PutRequest, WatchCancelRequest, WatchCreateRequest, WatchRequest, WatchResponse, watch_request::RequestUnion,
};
use consensus::api::mvccpb::Event;
use coordinator::proto::etcdserverpb::watch_client::WatchClient;
use rand::{Rng as _, SeedableRng as _, rngs::SmallRng};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::Streaming;

use super::{
    Answer, Both, Server,
    generate::{Generator, KEYS, Request},
    seed,
};

const ROUNDS: usize = 60;
const REQUESTS_A_ROUND: usize = 50;

/// One stream on one server.
struct Stream {
    requests: UnboundedSender<WatchRequest>,
    responses: Streaming<WatchResponse>,
}

/// What a watch was told, from its creation to its end.
#[derive(Debug, Default, PartialEq)]
struct Told {
    /// Created or cancelled, and why.
    states: Vec<(bool, bool, String)>,
    events: Vec<Event>,
    compacted: i64,
}

impl Stream {
    /// Opens a stream that begins with a watch: the answer's head comes with the answer to its first request.
    async fn open(server: &Server, watch: WatchCreateRequest) -> Self {
        let (requests, receiver) = unbounded_channel();
        requests.send(WatchRequest { request_union: Some(RequestUnion::CreateRequest(watch)) }).unwrap();
        let stream = UnboundedReceiverStream::new(receiver);
        let responses = WatchClient::new(server.channel.clone()).watch(stream).await.unwrap().into_inner();
        Self { requests, responses }
    }

    async fn next(&mut self) -> WatchResponse {
        self.responses.message().await.unwrap().unwrap()
    }

    fn cancel(&self, watch_id: i64) {
        let cancel = RequestUnion::CancelRequest(WatchCancelRequest { watch_id });
        self.requests.send(WatchRequest { request_union: Some(cancel) }).unwrap();
    }
}

/// Creates a watch, follows it to an event of the `last` revision or its end, and cancels it.
async fn follow(server: &Server, watch: WatchCreateRequest, last: i64) -> Told {
    let mut stream = Stream::open(server, watch).await;
    let mut told = Told::default();
    loop {
        let response = stream.next().await;
        if response.created || response.canceled {
            told.states.push((response.created, response.canceled, response.cancel_reason));
        }
        told.compacted = told.compacted.max(response.compact_revision);
        told.events.extend(response.events);
        if response.canceled {
            return told;
        }
        if told.events.last().and_then(|event| event.kv.as_ref()).is_some_and(|kv| kv.mod_revision >= last) {
            stream.cancel(response.watch_id);
            while !stream.next().await.canceled {}
            return told;
        }
    }
}

fn watch(rng: &mut SmallRng, newest: i64) -> WatchCreateRequest {
    let pick = |rng: &mut SmallRng| Bytes::from_static(KEYS[rng.random_range(0..KEYS.len())].as_bytes());
    let key = pick(rng);
    let range_end = match rng.random_range(0..3) {
        0 => Bytes::new(),
        1 => Bytes::from_static(b"\0"),
        _ => key.iter().map(|byte| byte + 2).collect(),
    };
    // Never deletions only: the last thing a watch waits for is a put.
    let filters = if rng.random_ratio(1, 4) { vec![1] } else { Vec::new() };
    let start_revision = rng.random_range((newest - 60).max(1)..=newest);
    WatchCreateRequest {
        key,
        range_end,
        start_revision,
        filters,
        prev_kv: rng.random(),
        ..WatchCreateRequest::default()
    }
}

#[tokio::test]
async fn watches_are_told_what_etcd_tells() {
    let both = Both::start().await;
    let seed = seed();
    let (mut generator, mut rng) = (Generator::new(seed), SmallRng::seed_from_u64(!seed));
    let (mut events, mut cancelled, mut compacted) = (0, 0, 0);
    for round in 0..ROUNDS {
        let context = format!("seed {seed}, round {round}");
        for _ in 0..REQUESTS_A_ROUND {
            let request = generator.request();
            let answer = both.ask(request.clone(), &context).await;
            generator.revision = generator.revision.max(answer.revision());
            if let (Request::Compact(compaction), Answer::Compact(_)) = (request, answer) {
                compacted = compaction.revision;
            }
        }
        for _ in 0..4 {
            let mut watch = watch(&mut rng, generator.revision);
            // Of a deletion at the very revision of a compaction, etcd tells since 3.6 alone.
            watch.start_revision += i64::from(watch.start_revision == compacted);
            // Something every such watch is told of, so that its end is known.
            let put = PutRequest { key: watch.key.clone(), value: Bytes::from("end"), ..PutRequest::default() };
            generator.revision = both.ask(Request::Put(put), &context).await.revision();
            let last = generator.revision;
            let (ours, etcd) =
                tokio::join!(follow(&both.ours, watch.clone(), last), follow(&both.etcd, watch.clone(), last));
            assert!(ours == etcd, "{context}: {watch:#?}\nours: {ours:#?}\netcd: {etcd:#?}");
            events += etcd.events.len();
            cancelled += usize::from(etcd.compacted > 0);
        }
    }
    assert!(events > 400 && cancelled > 0, "{events} events, {cancelled} cancelled");
}

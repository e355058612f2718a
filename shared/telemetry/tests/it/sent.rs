//! Spans on their way to a collector: all arrive, or are counted as lost; and nobody waits for it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use opentelemetry::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_sdk::Resource;
use telemetry::{
    export::{self, Destination, Protocol, Queue, Sender, Settings, Signal},
    spans::{Recorder, Sampler},
};
use tonic::Code;

use crate::collector::{Behaviour, Collector};

/// A process that sends its spans.
struct Process {
    recorder: Recorder,
    queue: Arc<Queue>,
    sender: Sender,
}

fn process(endpoint: &str, protocol: Protocol, queue: usize) -> Process {
    let to = Destination::plain(Signal::Traces, endpoint.parse().unwrap(), protocol);
    let settings = Settings { to, delay: Duration::from_millis(10), queue, batch: usize::MAX };
    let resource = Resource::builder_empty().with_attribute(KeyValue::new("service.name", "sender")).build();
    let (queue, sender) = export::start(&settings, &resource).unwrap();
    Process { recorder: Recorder::new(Arc::clone(&queue), Sampler::Independent), queue, sender }
}

impl Process {
    fn end_spans(&self, count: usize) {
        (0..count).for_each(|_| self.recorder.start(telemetry::spans::internal("work")).end());
    }

    async fn until_all_is_sent(&self) {
        let sent = async {
            while !self.queue.is_empty() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), sent).await.expect("all is sent or lost");
    }

    /// Sends the last spans.
    async fn shutdown(self) {
        let sender = self.sender;
        assert!(tokio::task::spawn_blocking(move || sender.shutdown(Duration::from_secs(20))).await.unwrap());
        assert!(self.queue.is_empty());
    }
}

#[tokio::test]
async fn over_grpc_all_arrive_as_those_of_this_process() {
    let collector = Collector::default();
    let serving = collector.grpc(None).await;
    let process = process(&format!("http://{}", serving.address), Protocol::Grpc, 65_536);
    process.end_spans(10_000);
    process.shutdown().await;
    assert_eq!(collector.spans().len(), 10_000);
    for of_resource in collector.resource_spans() {
        let [name] = &of_resource.resource.unwrap().attributes[..] else { panic!("one attribute") };
        assert_eq!(name.key, "service.name");
        assert_eq!(name.value.clone().unwrap().value.unwrap(), Value::StringValue("sender".to_owned()));
        assert!(of_resource.schema_url.starts_with("https://opentelemetry.io/schemas/"));
        assert!(of_resource.scope_spans.iter().all(|scope| scope.scope.as_ref().unwrap().name == "plumbline"));
    }
}

#[tokio::test]
async fn over_http_all_arrive() {
    let collector = Collector::default();
    let serving = collector.http().await;
    let process = process(&format!("http://{}/v1/traces", serving.address), Protocol::Http, 65_536);
    process.end_spans(5_000);
    process.shutdown().await;
    assert_eq!(collector.spans().len(), 5_000);
}

#[tokio::test]
async fn what_a_collector_can_not_take_now_is_sent_again() {
    let (grpc, http) = (Collector::default(), Collector::default());
    let (first, second) = (grpc.grpc(None).await, http.http().await);
    let by_grpc = process(&format!("http://{}", first.address), Protocol::Grpc, 1_000);
    let by_http = process(&format!("http://{}/v1/traces", second.address), Protocol::Http, 1_000);
    for (collector, process) in [(grpc, by_grpc), (http, by_http)] {
        collector.behave(Behaviour::Refuses(Code::Unavailable));
        process.end_spans(10);
        collector.until_asked(3).await;
        collector.behave(Behaviour::Takes);
        process.until_all_is_sent().await;
        process.shutdown().await;
        assert_eq!(collector.spans().len(), 10);
    }
}

#[tokio::test]
async fn what_a_collector_refuses_for_good_is_counted_and_the_next_is_sent() {
    let collector = Collector::default();
    let serving = collector.grpc(None).await;
    let process = process(&format!("http://{}", serving.address), Protocol::Grpc, 1_000);
    collector.behave(Behaviour::Refuses(Code::InvalidArgument));
    process.end_spans(7);
    process.until_all_is_sent().await;
    assert_eq!(process.queue.failed(), 7);
    collector.behave(Behaviour::Rejects(2));
    process.end_spans(5);
    let queue = Arc::clone(&process.queue);
    process.shutdown().await;
    assert_eq!((queue.failed(), queue.rejected(), queue.exported()), (7, 2, 3));
}

#[tokio::test]
async fn while_the_collector_stands_still_nobody_waits_and_what_finds_no_room_is_counted() {
    let collector = Collector::default();
    let serving = collector.grpc(None).await;
    let process = process(&format!("http://{}", serving.address), Protocol::Grpc, 2_000);
    collector.hold(true);
    let begin = Instant::now();
    process.end_spans(5_000);
    // Generous: the point is that it is not the collector's seconds.
    assert!(begin.elapsed() < Duration::from_secs(4));
    assert_eq!((process.queue.len(), process.queue.lost()), (2_000, 3_000));
    collector.hold(false);
    process.shutdown().await;
    assert_eq!(collector.spans().len(), 2_000);
}

#[tokio::test]
async fn a_collector_that_comes_back_gets_what_was_kept_for_it() {
    let collector = Collector::default();
    let serving = collector.grpc(None).await;
    let process = process(&format!("http://{}", serving.address), Protocol::Grpc, 1_000);
    process.end_spans(3);
    collector.until_asked(1).await;
    let address = serving.end().await;
    process.end_spans(400);
    let serving = collector.grpc(Some(address)).await;
    process.until_all_is_sent().await;
    process.shutdown().await;
    // A request whose answer was lost is sent again: spans may come twice, and none is missing.
    let ids: std::collections::HashSet<_> = collector.spans().into_iter().map(|span| span.span_id).collect();
    assert_eq!(ids.len(), 403);
    drop(serving);
}

#[tokio::test]
async fn without_a_collector_the_end_is_not_held_up() {
    // Taken and let go: nobody listens there.
    let address = Collector::default().grpc(None).await.end().await;
    let process = process(&format!("http://{address}"), Protocol::Grpc, 1_000);
    process.end_spans(10);
    let queue = Arc::clone(&process.queue);
    process.shutdown().await;
    assert_eq!(queue.failed(), 10);
}

//! Log records on their way to a collector.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use opentelemetry_proto::tonic::{
    common::v1::{AnyValue, any_value::Value},
    logs::v1::LogRecord,
};
use opentelemetry_sdk::Resource;
use telemetry::{
    context::{self, TraceContext},
    export::{self, Destination, Protocol, Settings, Signal},
    logs::Records,
};
use tracing_subscriber::layer::SubscriberExt as _;

use crate::collector::{Behaviour, Collector};

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn settings(endpoint: &str, protocol: Protocol, queue: usize) -> Settings {
    let to = Destination::plain(Signal::Logs, endpoint.parse().unwrap(), protocol);
    Settings { to, delay: Duration::from_millis(10), queue, batch: 50 }
}

/// Logs, and sends what was logged.
async fn sent(settings: &Settings, log: impl FnOnce()) -> Arc<export::Queue> {
    let (queue, sender) = export::start(settings, &Resource::builder_empty().build()).unwrap();
    let subscriber = tracing_subscriber::registry().with(Records::new(Arc::clone(&queue)));
    tracing::subscriber::with_default(subscriber, log);
    assert!(tokio::task::spawn_blocking(move || sender.shutdown(Duration::from_secs(20))).await.unwrap());
    queue
}

fn attribute(record: &LogRecord, key: &str) -> Option<Value> {
    let found = record.attributes.iter().find(|attribute| attribute.key == key)?;
    found.value.clone()?.value
}

fn text(value: Option<AnyValue>) -> String {
    match value.unwrap().value.unwrap() {
        Value::StringValue(text) => text,
        other => panic!("no text: {other:?}"),
    }
}

#[tokio::test]
async fn a_record_says_all_that_the_event_says() {
    let collector = Collector::default();
    let serving = collector.grpc(None).await;
    let trace: TraceContext = TRACE.parse().unwrap();
    let settings = settings(&format!("http://{}", serving.address), Protocol::Grpc, 100);
    let before = SystemTime::now();
    sent(&settings, || {
        tracing::warn!(name: "order.refused", %trace, order = 7, share = 0.5, late = true, much = u64::MAX, "no {}", 1);
        context::in_scope(trace, || tracing::error!(fault = %"broken", "lost"));
        tracing::info!("alone");
    })
    .await;
    let [first, second, third] = &collector.records()[..] else { panic!("{:?}", collector.records()) };
    assert_eq!((first.severity_number, first.severity_text.as_str()), (13, "WARN"));
    assert_eq!((text(first.body.clone()).as_str(), first.event_name.as_str()), ("no 1", "order.refused"));
    assert_eq!(attribute(first, "order"), Some(Value::IntValue(7)));
    assert_eq!(attribute(first, "share"), Some(Value::DoubleValue(0.5)));
    assert_eq!(attribute(first, "late"), Some(Value::BoolValue(true)));
    assert_eq!(attribute(first, "much"), Some(Value::StringValue(u64::MAX.to_string())));
    assert_eq!(attribute(first, "target"), Some(Value::StringValue("it::logged".to_owned())));
    assert_eq!(attribute(first, "trace"), None);
    let since = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    assert!((since(before)..=since(SystemTime::now())).contains(&first.time_unix_nano));
    assert_eq!(first.observed_time_unix_nano, first.time_unix_nano);
    assert_eq!(
        (second.severity_number, attribute(second, "fault")),
        (17, Some(Value::StringValue("broken".to_owned())))
    );
    for record in [first, second] {
        assert_eq!(record.trace_id, trace.trace_id().to_bytes());
        assert_eq!((&record.span_id[..], record.flags), (&trace.span_id().to_bytes()[..], 1));
    }
    assert!(second.event_name.is_empty() && third.trace_id.is_empty() && third.span_id.is_empty());
}

#[tokio::test]
async fn all_arrive_over_http_compressed_and_in_batches() {
    let collector = Collector::default();
    let serving = collector.http().await;
    let mut settings = settings(&format!("http://{}/v1/logs", serving.address), Protocol::Http, 1_000);
    settings.to.gzip = true;
    let queue = sent(&settings, || (0..500).for_each(|number| tracing::info!(number, "one of many"))).await;
    assert_eq!((collector.records().len(), queue.exported()), (500, 500));
    assert!(collector.compressed() >= 10, "batches of fifty: {}", collector.compressed());
}

#[tokio::test]
async fn while_nobody_takes_them_nobody_waits_and_each_that_is_lost_is_counted() {
    let collector = Collector::default();
    let serving = collector.grpc(None).await;
    collector.behave(Behaviour::Refuses(tonic::Code::InvalidArgument));
    let settings = settings(&format!("http://{}", serving.address), Protocol::Grpc, 200);
    let queue = sent(&settings, || {
        collector.hold(true);
        (0..1_000).for_each(|number| tracing::info!(number, "one of too many"));
        collector.hold(false);
    })
    .await;
    assert_eq!(queue.lost() + queue.failed(), 1_000);
    assert!(queue.lost() >= 800, "{}", queue.lost());
}

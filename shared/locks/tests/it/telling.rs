//! What spans and metrics tell of a lock, as they leave the process.

use std::time::Duration;

use local::testing;
use locks::{Config, Keys, Locks, Request, Strategy};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::any_value::Value,
    trace::v1::{Span, status::StatusCode},
};
use prost::Message;
use telemetry::{
    Telemetry,
    context::TraceContext,
    logs::{Filter, Format},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    runtime::Runtime,
    sync::mpsc,
};

use crate::{
    child::{Child, say},
    stage::BOUND,
};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// A time to live that no pause of a busy machine outlasts, and for how long it is held: past its first third.
const LIVES: Duration = Duration::from_secs(6);
const HELD: Duration = Duration::from_secs(3);

/// In a process of its own, as it records for all of it: takes, keeps, is refused, gives back.
pub(crate) fn take_and_tell(runtime: &Runtime, url: &str) {
    let config = Config { ttl: LIVES, patience: BOUND, ..Config::new(url) };
    let (log_filter, log_format) = (Filter::default(), Format::default());
    let instance_id = std::process::id().to_string();
    let settings = Telemetry { service_name: "plumbline-locks", instance_id, log_filter, log_format };
    let told = telemetry::init(settings).unwrap();
    runtime.block_on(async {
        let [a, b] = [0, 1].map(|_| Locks::fixed(config.clone(), Strategy::Redis, None).unwrap());
        let parent: TraceContext = PARENT.parse().unwrap();
        let request = || Request::within(Duration::from_secs(10)).parent(parent);
        let keys = Keys::new(["a", "b"]).unwrap();
        let guard = a.lock(&keys, request()).await.unwrap();
        b.try_lock(&Keys::one("a"), request()).await.unwrap_err();
        // Until it must have been given more time.
        tokio::time::sleep(HELD).await;
        assert!(guard.release().await.held);
    });
    let metrics = telemetry::metrics::prometheus_text();
    metrics.lines().filter(|line| line.starts_with("plumbline_locks")).for_each(say);
    say("end");
    told.shutdown(Duration::from_secs(10));
}

/// Takes what is posted, as a collector does over HTTP.
async fn collect(listener: TcpListener, found: mpsc::UnboundedSender<Span>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(take_posts(stream, found.clone()));
    }
}

async fn take_posts(stream: TcpStream, found: mpsc::UnboundedSender<Span>) {
    let mut stream = BufReader::new(stream);
    loop {
        let (mut line, mut length) = (String::new(), 0);
        while stream.read_line(&mut line).await.unwrap() > 0 && line != "\r\n" {
            if let Some(given) = line.to_lowercase().strip_prefix("content-length:") {
                length = given.trim().parse().unwrap();
            }
            line.clear();
        }
        if length == 0 {
            return;
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.unwrap();
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n")
            .await
            .unwrap();
        let request = ExportTraceServiceRequest::decode(body.as_slice()).unwrap();
        let scopes = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
        scopes.flat_map(|scope| scope.spans).for_each(|span| found.send(span).unwrap());
    }
}

fn text(span: &Span, name: &str) -> String {
    let found = span.attributes.iter().find(|attribute| attribute.key == name);
    match found.and_then(|attribute| attribute.value.clone()?.value) {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::DoubleValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    }
}

fn value(metrics: &[String], series: &str) -> f64 {
    let line = metrics.iter().find(|line| line.starts_with(series));
    let line = line.unwrap_or_else(|| panic!("{series}: {metrics:#?}"));
    line.rsplit_once(' ').unwrap().1.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_is_told_by_spans_and_metrics() {
    let redis = testing::private_redis().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let collector = format!("http://{}/v1/traces", listener.local_addr().unwrap());
    let (send, mut found) = mpsc::unbounded_channel();
    tokio::spawn(collect(listener, send));
    let mut child = Child::telling(&redis.url(), &collector);
    let mut metrics = Vec::new();
    loop {
        match child.says().await.as_str() {
            "end" => break,
            line => metrics.push(line.to_owned()),
        }
    }
    let mut spans = Vec::new();
    while spans.len() < 3 {
        spans.push(tokio::time::timeout(BOUND, found.recv()).await.unwrap().unwrap());
    }
    for span in &spans {
        assert_eq!(span.parent_span_id, 0x00f0_67aa_0ba9_02b7_u64.to_be_bytes(), "{span:?}");
    }
    let failed = |span: &Span| span.status.as_ref().is_some_and(|status| status.code == StatusCode::Error as i32);
    let [refused, taken, held] = [("take lock", true), ("take lock", false), ("hold lock", false)]
        .map(|(name, fails)| spans.iter().find(|span| span.name == name && failed(span) == fails).unwrap());
    assert_eq!(text(refused, "error.type"), "busy");
    assert_eq!(
        (text(taken, "plumbline.lock.keys"), text(taken, "plumbline.lock.strategy")),
        ("2".into(), "redis".into())
    );
    assert!(text(taken, "plumbline.wait.lock").parse::<f64>().unwrap() > 0.0);
    assert_eq!(text(held, "plumbline.lock.strategy"), "redis");
    assert!(
        held.end_time_unix_nano - held.start_time_unix_nano >= HELD.as_nanos() as u64,
        "it lasts as long as it is held"
    );
    let of = |name: &str, labels: &str| value(&metrics, &format!("plumbline_locks_{name}{{{labels}}}"));
    let (redis, outcome) = ("plumbline_lock_strategy=\"redis\"", "plumbline_outcome=");
    assert_eq!(of("hold_seconds_count", redis), 1.0);
    assert!(of("hold_seconds_sum", redis) >= HELD.as_secs_f64());
    assert_eq!(of("wait_seconds_count", &format!("{redis},{outcome}\"taken\"")), 1.0);
    assert_eq!(of("wait_seconds_count", &format!("{redis},{outcome}\"busy\"")), 1.0);
    assert!(of("extensions_total", &format!("{redis},{outcome}\"extended\"")) >= 1.0);
    assert!(!metrics.iter().any(|line| line.starts_with("plumbline_locks_lost")), "{metrics:#?}");
}

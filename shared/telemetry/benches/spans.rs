//! What a span costs in processor time, all of it: recorded, queued, encoded, sent. Ours beside OpenTelemetry's SDK with its
//! batch processor and OTLP exporter, in turn in one run, both to a collector in another process that reads every span.
//!
//!     cargo bench -p telemetry                  # 5 rounds of 200,000 spans with 10 attributes each
//!
//! Prints nanoseconds of this process' processor time a span, and the ratio.

#![expect(clippy::unwrap_used, reason = "a benchmark ends where it fails")]

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use hyper::server::conn::http2;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    service::TowerToHyperService,
};
use nix::sys::resource::{UsageWho, getrusage};
use opentelemetry::{
    Context, KeyValue,
    trace::{Span as _, SpanBuilder, SpanKind, TraceContextExt as _, Tracer as _, TracerProvider as _},
};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
    trace_service_server::{TraceService, TraceServiceServer},
};
use opentelemetry_sdk::{
    Resource,
    trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracer, SdkTracerProvider},
};
use telemetry::{
    context::TraceContext,
    export::{self, Destination, Protocol, Queue, Settings, Signal},
    names,
    spans::{self, Sampler},
};

const SPANS: usize = 200_000;
const ROUNDS: usize = 5;
const AT_ONCE: usize = 20_000;

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("collector") => collect(),
        _ => compare(),
    }
}

struct Collector;

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        _: tonic::Request<ExportTraceServiceRequest>,
    ) -> Result<tonic::Response<ExportTraceServiceResponse>, tonic::Status> {
        Ok(tonic::Response::new(ExportTraceServiceResponse::default()))
    }
}

fn collect() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("{}", listener.local_addr().unwrap());
        let service = TraceServiceServer::new(Collector).max_decoding_message_size(64 << 20);
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let service = TowerToHyperService::new(service.clone());
            let server = http2::Builder::new(TokioExecutor::new());
            tokio::spawn(server.serve_connection(TokioIo::new(stream), service));
        }
    });
}

struct Other(Child);

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn compare() {
    let program = std::env::current_exe().unwrap();
    let mut child = Command::new(program).arg("collector").stdout(Stdio::piped()).spawn().unwrap();
    let mut address = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut address).unwrap();
    let _collector = Other(child);
    let endpoint = format!("http://{}", address.trim());

    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let _entered = runtime.enter();
    let resource = Resource::builder().with_service_name("bench").build();
    let exporter = SpanExporter::builder().with_tonic().with_endpoint(&endpoint).build().unwrap();
    let config = BatchConfigBuilder::default().with_max_queue_size(65_536).build();
    let processor = BatchSpanProcessor::builder(exporter).with_batch_config(config).build();
    let provider = SdkTracerProvider::builder().with_resource(resource.clone()).with_span_processor(processor).build();
    let tracer = provider.tracer("plumbline");

    let to = Destination::plain(Signal::Traces, endpoint.parse().unwrap(), Protocol::Grpc);
    let settings = Settings { to, delay: Duration::from_millis(200), queue: 65_536, batch: usize::MAX };
    let (queue, sender) = export::start(&settings, &resource).unwrap();
    assert!(spans::install(Arc::clone(&queue), Sampler::FollowsParent));

    let sampled: TraceContext = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse().unwrap();
    let unsampled: TraceContext = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00".parse().unwrap();
    println!("{:>8} {:>8} {:>10}   ns of processor time a span", "SDK", "ours", "unsampled");
    let mut rows = Vec::new();
    for _ in 0..ROUNDS {
        let sdk = cost(|| with_sdk(&tracer, sampled), || provider.force_flush().unwrap());
        let ours = cost(|| with_ours(sampled), || until_sent(&queue));
        let off = cost(|| with_ours(unsampled), || until_sent(&queue));
        println!("{sdk:>8.0} {ours:>8.0} {off:>10.1}");
        rows.push((sdk, ours));
    }
    assert_eq!(queue.lost(), 0, "spans were lost: these figures mean nothing");
    rows.sort_by(|a, b| (a.0 / a.1).total_cmp(&(b.0 / b.1)));
    let (sdk, ours) = rows[rows.len() / 2];
    println!("median of the ratios: {:.1}", sdk / ours);
    assert!(sender.shutdown(Duration::from_secs(10)));
}

/// Nanoseconds a span.
fn cost(span: impl Fn(), settle: impl Fn()) -> f64 {
    let before = used();
    for done in 0..SPANS {
        span();
        if done % AT_ONCE == AT_ONCE - 1 {
            settle();
        }
    }
    settle();
    (used() - before).as_nanos() as f64 / SPANS as f64
}

fn until_sent(queue: &Queue) {
    while !queue.is_empty() {
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn used() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_SELF).unwrap();
    let time = |time: nix::sys::time::TimeVal| {
        Duration::from_secs(time.tv_sec() as u64) + Duration::from_micros(time.tv_usec() as u64)
    };
    time(usage.user_time()) + time(usage.system_time())
}

fn with_ours(parent: TraceContext) {
    let mut span = spans::consumer("process orders.v1").parent(parent).start();
    span.set(names::messaging::SYSTEM, names::messaging::KAFKA);
    span.set(names::messaging::DESTINATION_NAME, "orders.v1");
    span.set(names::messaging::OPERATION_NAME, "process");
    span.set(names::messaging::OPERATION_TYPE, "process");
    span.set(names::messaging::DESTINATION_PARTITION_ID, "3");
    span.set(names::messaging::KAFKA_OFFSET, 123_456);
    span.set(names::messaging::BATCH_MESSAGE_COUNT, 250);
    span.set(names::wait::BROKER, Duration::from_micros(1_234));
    span.set(names::wait::BATCH, Duration::from_micros(4_321));
    span.set(names::shop::ORDER_ID, "0198a7c2-5f0e-7d31-9c55-2b1f4a8e6d10");
}

fn with_sdk(tracer: &SdkTracer, parent: TraceContext) {
    let above = Context::new().with_remote_span_context(parent.to_remote());
    let builder = SpanBuilder::from_name("process orders.v1").with_kind(SpanKind::Consumer);
    let mut span = tracer.build_with_context(builder, &above);
    span.set_attribute(KeyValue::new(names::messaging::SYSTEM, names::messaging::KAFKA));
    span.set_attribute(KeyValue::new(names::messaging::DESTINATION_NAME, "orders.v1"));
    span.set_attribute(KeyValue::new(names::messaging::OPERATION_NAME, "process"));
    span.set_attribute(KeyValue::new(names::messaging::OPERATION_TYPE, "process"));
    span.set_attribute(KeyValue::new(names::messaging::DESTINATION_PARTITION_ID, "3".to_owned()));
    span.set_attribute(KeyValue::new(names::messaging::KAFKA_OFFSET, 123_456));
    span.set_attribute(KeyValue::new(names::messaging::BATCH_MESSAGE_COUNT, 250));
    span.set_attribute(KeyValue::new(names::wait::BROKER, 0.001_234));
    span.set_attribute(KeyValue::new(names::wait::BATCH, 0.004_321));
    span.set_attribute(KeyValue::new(names::shop::ORDER_ID, "0198a7c2-5f0e-7d31-9c55-2b1f4a8e6d10".to_owned()));
    span.end();
}

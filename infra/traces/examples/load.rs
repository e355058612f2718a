//! Sends realistic spans by OTLP over gRPC and asks for them again, and prints what that took, as JSON.
//!
//!     load OTLP_GRPC QUERY SPANS CONNECTIONS
//!
//! Requests are encoded before the clock starts, so that little of the machine goes to this side.

use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use bytes::{Buf as _, BufMut as _, Bytes};
use hdrhistogram::Histogram;
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value::Value},
    resource::v1::Resource,
    trace::v1::{ResourceSpans, ScopeSpans, Span},
};

use prost::Message as _;
use tonic::{
    Status,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    transport::Endpoint,
};

type Failure = Box<dyn Error + Send + Sync>;

const SERVICES: [&str; 6] = ["gateway", "order", "inventory", "recommendation", "payment", "mail"];
const OPERATIONS: [&str; 5] =
    ["POST /orders", "GET /products/{sku}", "orders.place", "process orders.v1", "SELECT stock"];
/// Spans of a request, and of a trace.
const BATCH: usize = 512;
const TRACE: usize = 8;
const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
/// Questions of each kind.
const QUESTIONS: usize = 200;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [otlp, query, spans, connections] = &arguments[..] else {
        return Err("load OTLP_GRPC QUERY SPANS CONNECTIONS".into());
    };
    let start = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_nanos() as u64;
    let batches = spans.parse::<usize>()?.div_ceil(BATCH);
    let requests: Vec<_> =
        (0..batches).map(|number| Bytes::from(request(number as u64, start).encode_to_vec())).collect();
    let requests = Arc::new(requests);
    let began = Instant::now();
    send(otlp, Arc::clone(&requests), connections.parse()?).await?;
    let took = began.elapsed();
    let sent = batches * BATCH;
    let searches = [
        ("search_service", "service=order&limit=20".to_owned()),
        ("search_operation", "service=order&operation=SELECT%20stock&limit=20".to_owned()),
        (
            "search_rare",
            format!("service=order&limit=20&tags={{\"order.id\":\"{}\"}}", order_id(batches as u64 / 2, 1)),
        ),
    ];
    let mut report = serde_json::json!({ "spans": sent, "seconds": took.as_secs_f64(), "spans_per_second": sent as f64 / took.as_secs_f64() });
    for (name, parameters) in searches {
        report[name] = ask(|_| format!("http://{query}/api/traces?{parameters}")).await?;
    }
    let id =
        |number: usize| hexadecimal(&trace_id((number * 7_919 % batches) as u64, (number % (BATCH / TRACE)) as u64));
    report["by_id"] = ask(|number| format!("http://{query}/api/traces/{}", id(number))).await?;
    println!("{report}");
    Ok(())
}

async fn send(otlp: &str, requests: Arc<Vec<Bytes>>, connections: usize) -> Result<(), Failure> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut senders = tokio::task::JoinSet::new();
    for _ in 0..connections {
        let mut client = Grpc::new(Endpoint::try_from(format!("http://{otlp}"))?.connect().await?);
        let (requests, next) = (Arc::clone(&requests), Arc::clone(&next));
        senders.spawn(async move {
            while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
                client.ready().await?;
                client.unary(tonic::Request::new(request.clone()), EXPORT.parse()?, Encoded).await?;
            }
            Ok::<_, Failure>(())
        });
    }
    while let Some(sender) = senders.join_next().await {
        sender??;
    }
    Ok(())
}

/// Asks one question after the other; the first answer has to hold a trace.
async fn ask(url: impl Fn(usize) -> String) -> Result<serde_json::Value, Failure> {
    let client = reqwest::Client::new();
    let mut times = Histogram::<u64>::new(3)?;
    let (mut found, mut asked) = (0, 0);
    let began = Instant::now();
    // What takes very long is asked less often.
    while asked < QUESTIONS && (asked < 5 || began.elapsed() < Duration::from_secs(10)) {
        let sent = Instant::now();
        let response = client.get(url(asked)).send().await?.error_for_status()?;
        let body = response.bytes().await?;
        times.record(sent.elapsed().as_micros() as u64)?;
        if asked == 0 {
            let body: serde_json::Value = serde_json::from_slice(&body)?;
            found = body["data"].as_array().map_or(0, Vec::len);
        }
        asked += 1;
    }
    let millis = |quantile| times.value_at_quantile(quantile) as f64 / 1_000.0;
    Ok(serde_json::json!({ "found": found, "p50_ms": millis(0.5), "p99_ms": millis(0.99), "asked": asked }))
}

/// Messages that are encoded already.
#[derive(Clone, Copy, Default)]
struct Encoded;

impl Codec for Encoded {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Encoded {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(message);
        Ok(())
    }
}

impl Decoder for Encoded {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}

fn request(batch: u64, start: u64) -> ExportTraceServiceRequest {
    let of_service = |place: usize| {
        let spans = (0..BATCH as u64).filter(|span| (*span % TRACE as u64) as usize % SERVICES.len() == place);
        let scope = InstrumentationScope { name: "shop".to_owned(), version: "1.0".to_owned(), ..Default::default() };
        let scope_spans = ScopeSpans {
            scope: Some(scope),
            spans: spans.map(|number| span(batch, number, start)).collect(),
            ..Default::default()
        };
        let attributes = vec![
            text("service.name", SERVICES[place]),
            text("service.instance.id", &format!("{}-1", SERVICES[place])),
            text("host.name", "shop-1"),
            text("telemetry.sdk.language", "rust"),
        ];
        let resource = Some(Resource { attributes, ..Default::default() });
        ResourceSpans { resource, scope_spans: vec![scope_spans], ..Default::default() }
    };
    ExportTraceServiceRequest { resource_spans: (0..SERVICES.len()).map(of_service).collect() }
}

fn span(batch: u64, number: u64, start: u64) -> Span {
    let (trace, place) = (number / TRACE as u64, number % TRACE as u64);
    let random = mixed(batch << 20 | number);
    let begins = start + batch * 1_000_000 + trace * 10_000 + place * 1_500;
    let server = SERVICES[place as usize % SERVICES.len()];
    Span {
        trace_id: trace_id(batch, trace).to_vec(),
        span_id: span_id(batch, number).to_vec(),
        parent_span_id: if place == 0 { Vec::new() } else { span_id(batch, number - 1).to_vec() },
        name: OPERATIONS[(random % OPERATIONS.len() as u64) as usize].to_owned(),
        kind: 1 + (place % 5) as i32,
        start_time_unix_nano: begins,
        end_time_unix_nano: begins + 10_000 + random % 9_000_000,
        attributes: vec![
            text("http.request.method", if random.is_multiple_of(3) { "GET" } else { "POST" }),
            text("http.route", "/orders/{id}"),
            int("http.response.status_code", if random.is_multiple_of(50) { 500 } else { 200 }),
            text("url.path", &format!("/orders/{}", order_id(batch, trace))),
            text("server.address", server),
            int("server.port", 8080 + place as i64),
            text("order.id", &order_id(batch, trace)),
            int("order.lines", (random % 20) as i64),
            text("network.protocol.version", "1.1"),
            text("user_agent.original", "plumbline-driver/0.1"),
        ],
        ..Default::default()
    }
}

fn text(key: &str, value: &str) -> KeyValue {
    pair(key, Value::StringValue(value.to_owned()))
}

fn int(key: &str, value: i64) -> KeyValue {
    pair(key, Value::IntValue(value))
}

fn pair(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..Default::default() }
}

fn order_id(batch: u64, trace: u64) -> String {
    format!("0192{:012x}", mixed(batch << 8 | trace) >> 16)
}

fn trace_id(batch: u64, trace: u64) -> [u8; 16] {
    let high = mixed(batch << 8 | trace);
    let mut id = [0; 16];
    id[..8].copy_from_slice(&high.to_be_bytes());
    id[8..].copy_from_slice(&mixed(high).to_be_bytes());
    id
}

fn span_id(batch: u64, number: u64) -> [u8; 8] {
    (mixed(batch << 20 | number) | 1).to_be_bytes()
}

/// A number that looks like chance, always the same (splitmix64).
fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

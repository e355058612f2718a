//! OTLP by gRPC: with the protocol's own client, and frame by frame.

use std::io::Write as _;

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http_body_util::{BodyExt as _, Full};
use hyper::{HeaderMap, Request, client::conn::http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
    trace_service_client::TraceServiceClient,
};
use prost::Message as _;
use tokio::net::TcpStream;

use crate::{
    program::Program,
    spans::{request, span, text},
};

const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

#[tokio::test]
async fn spans_come_in_and_are_told_of() {
    let program = Program::start(&[]);
    let mut client = TraceServiceClient::connect(format!("http://{}", program.otlp_grpc)).await.unwrap();
    let sent = request("shop", vec![span(1, 1, 0, "GET /"), span(1, 2, 1, "SELECT")]);
    let response = client.export(sent).await.unwrap().into_inner();
    assert_eq!(response, ExportTraceServiceResponse::default());
    let (_, body) = program.ask("/api/traces/1").await;
    assert_eq!(body["data"][0]["spans"].as_array().unwrap().len(), 2);

    let mut nameless = span(2, 0, 0, "no id");
    nameless.span_id = vec![1, 2];
    let sent = request("shop", vec![span(2, 1, 0, "good"), nameless, span(0, 3, 0, "no trace")]);
    let partial = client.export(sent).await.unwrap().into_inner().partial_success.unwrap();
    let ExportTracePartialSuccess { rejected_spans, error_message } = partial;
    assert_eq!(rejected_spans, 2);
    assert!(error_message.contains("2 of 3") && error_message.contains("span id"), "{error_message}");
    assert_eq!(program.metric("spans_rejected_total").await, 2.0);
    assert_eq!(program.metric("spans_received_total").await, 3.0);
}

#[tokio::test]
async fn packed_requests_are_unpacked() {
    let program = Program::start(&[]);
    let message = request("shop", vec![span(7, 1, 0, "GET /")]).encode_to_vec();
    let (headers, trailers) = call(&program, EXPORT, "gzip", frame(1, &gzip(&message))).await;
    assert_eq!(headers["content-type"], "application/grpc");
    assert_eq!(trailers["grpc-status"], "0");
    assert_eq!(program.ask("/api/traces/7").await.0, 200);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let program = Program::start(&["--max-request=64KiB", "--max-unpacked=128KiB"]);
    let good = request("shop", vec![span(1, 1, 0, "GET /")]).encode_to_vec();
    let mut long = span(1, 2, 0, "long");
    long.attributes = (0..200).map(|_| text("k", &"x".repeat(1_000))).collect();
    let long = request("shop", vec![long]).encode_to_vec();
    let bomb = gzip(&vec![0; 32 << 20]);
    let mut wrong_length = frame(0, &good);
    wrong_length[4] += 1;
    let logs = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
    for (path, encoding, body, code) in [
        (EXPORT, "identity", frame(0, b"\xff\xff\xff"), "3"),
        (EXPORT, "identity", vec![0, 0], "3"),
        (EXPORT, "identity", Vec::new(), "3"),
        (EXPORT, "identity", wrong_length, "3"),
        (EXPORT, "identity", frame(1, &gzip(&good)), "3"),
        (EXPORT, "gzip", frame(1, b"no gzip"), "3"),
        (EXPORT, "gzip", frame(1, &bomb), "8"),
        (EXPORT, "identity", frame(0, &long), "8"),
        (EXPORT, "snappy", frame(1, &good), "12"),
        (logs, "identity", frame(0, &[]), "12"),
        ("/nothing", "identity", frame(0, &[]), "12"),
    ] {
        let (headers, _) = call(&program, path, encoding, body).await;
        assert_eq!(headers["grpc-status"], code, "{path} {encoding}: {headers:?}");
    }
    assert_eq!(program.metric("spans").await, 0.0);
    let (_, trailers) = call(&program, EXPORT, "identity", frame(0, &good)).await;
    assert_eq!(trailers["grpc-status"], "0", "it goes on after all that");
}

#[tokio::test]
async fn an_empty_request_is_a_request() {
    let program = Program::start(&[]);
    let mut client = TraceServiceClient::connect(format!("http://{}", program.otlp_grpc)).await.unwrap();
    client.export(ExportTraceServiceRequest::default()).await.unwrap();
    assert_eq!(program.metric("requests_total").await, 1.0);
}

#[tokio::test]
async fn a_full_backlog_says_when_to_come_again() {
    let program = Program::start(&["--backlog=1KiB"]);
    let mut client = TraceServiceClient::connect(format!("http://{}", program.otlp_grpc)).await.unwrap();
    let mut large = span(1, 1, 0, "large");
    large.attributes = vec![text("k", &"x".repeat(4_000))];
    let status = client.export(request("shop", vec![large])).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::Unavailable);
    let details = String::from_utf8_lossy(status.details()).into_owned();
    assert!(details.contains("google.rpc.RetryInfo"), "{details}");
}

/// The answer's headers and trailers.
async fn call(program: &Program, path: &str, encoding: &str, body: Vec<u8>) -> (HeaderMap, HeaderMap) {
    let stream = TcpStream::connect(&program.otlp_grpc).await.unwrap();
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::post(format!("http://{}{path}", program.otlp_grpc))
        .header("content-type", "application/grpc")
        .header("grpc-encoding", encoding)
        .header("te", "trailers")
        .body(Full::new(Bytes::from(body)))
        .unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert_eq!(response.status(), 200);
    let headers = response.headers().clone();
    let trailers = response.into_body().collect().await.unwrap().trailers().cloned().unwrap_or_default();
    (headers, trailers)
}

fn frame(packed: u8, message: &[u8]) -> Vec<u8> {
    [&[packed], &(message.len() as u32).to_be_bytes()[..], message].concat()
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

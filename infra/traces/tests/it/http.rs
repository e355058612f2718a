//! OTLP by HTTP.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message as _;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
};

use crate::{
    grpc::gzip,
    program::Program,
    spans::{pair, request, span},
};

const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");
const JSON: (&str, &str) = ("content-type", "application/json");
const GZIP: (&str, &str) = ("content-encoding", "gzip");

#[tokio::test]
async fn both_encodings_are_taken_packed_or_not() {
    let program = Program::start(&[]);
    let protobuf = |trace| request("shop", vec![span(trace, 1, 0, "GET /")]).encode_to_vec();
    let json = |trace: u64| one_json_span(&format!("{trace:032x}"), "00000000000000cd").to_string();
    for (headers, body) in [
        (vec![PROTOBUF], protobuf(1)),
        (vec![PROTOBUF, GZIP], gzip(&protobuf(2))),
        (vec![JSON], json(3).into_bytes()),
        (vec![("content-type", "application/json; charset=utf-8"), GZIP], gzip(json(4).as_bytes())),
        (vec![PROTOBUF, ("content-encoding", "identity")], protobuf(5)),
    ] {
        let response = program.post(&headers, body).await;
        assert_eq!(response.status(), 200, "{headers:?}");
        let given = headers[0].1.split(';').next().unwrap();
        assert_eq!(response.headers()["content-type"], given);
    }
    for trace in 1..=5 {
        assert_eq!(program.ask(&format!("/api/traces/{trace}")).await.0, 200, "{trace}");
    }
}

#[tokio::test]
async fn spans_at_fault_are_left_out_and_told_of() {
    let program = Program::start(&["--max-depth=2", "--max-attributes=10", "--max-text=100"]);
    let deep = json!({"arrayValue": {"values": [{"arrayValue": {"values": [{"arrayValue": {"values": []}}]}}]}});
    let long = json!({"stringValue": "x".repeat(101)});
    let many: Vec<Value> = (0..11).map(|_| json!({"key": "k", "value": {"intValue": 1}})).collect();
    let id = "000000000000000000000000000000ab";
    for (fault, trace_id, span_id, attributes) in [
        ("trace id", "", "00000000000000cd", json!([])),
        ("trace id", "00000000000000000000000000000000", "00000000000000cd", json!([])),
        ("trace id", "abcd", "00000000000000cd", json!([])),
        ("span id", id, "", json!([])),
        ("span id", id, "0000000000000000", json!([])),
        ("too deep", id, "00000000000000cd", json!([{"key": "k", "value": deep}])),
        ("too long", id, "00000000000000cd", json!([{"key": "k", "value": long}])),
        ("too many", id, "00000000000000cd", json!(many)),
    ] {
        let mut body = one_json_span(trace_id, span_id);
        body["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["attributes"] = attributes;
        let (status, answer) = program.post_json(&body).await;
        assert_eq!(status, 200, "{fault}: {answer}");
        assert_eq!(answer["partialSuccess"]["rejectedSpans"], "1", "{fault}: {answer}");
        let message = answer["partialSuccess"]["errorMessage"].as_str().unwrap();
        assert!(message.contains(fault), "{fault}: {message}");
    }
    let mut body = request("shop", vec![span(1, 1, 0, "good"), span(1, 0, 0, "bad")]);
    body.resource_spans[0].scope_spans[0].spans[0].attributes =
        vec![pair("k", opentelemetry_proto::tonic::common::v1::any_value::Value::IntValue(1))];
    let response = program.post_protobuf(body.encode_to_vec()).await.bytes().await.unwrap();
    let partial = ExportTraceServiceResponse::decode(response).unwrap().partial_success.unwrap();
    assert_eq!(partial.rejected_spans, 1);
    assert_eq!(program.metric("spans").await, 1.0);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let program = Program::start(&["--max-request=64KiB", "--max-unpacked=128KiB"]);
    let nested = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    for (headers, body, status) in [
        (vec![PROTOBUF], b"\xff\xff\xff".to_vec(), 400),
        (vec![PROTOBUF], b"{}".to_vec(), 400),
        (vec![PROTOBUF, GZIP], b"no gzip".to_vec(), 400),
        (vec![PROTOBUF], vec![0; 65 << 10], 413),
        (vec![PROTOBUF, GZIP], gzip(&vec![0; 32 << 20]), 413),
        (vec![PROTOBUF, ("content-encoding", "br")], vec![], 415),
        (vec![("content-type", "text/plain")], vec![], 415),
        (vec![], vec![], 415),
        (vec![JSON], b"{".to_vec(), 400),
        (vec![JSON], br#"{"resourceSpans": 1}"#.to_vec(), 400),
        (vec![JSON], nested.into_bytes(), 400),
        (vec![JSON], one_json_span("xyz", "00000000000000cd").to_string().into_bytes(), 400),
    ] {
        let response = program.post(&headers, body).await;
        assert_eq!(response.status(), status, "{headers:?}");
        let media_type = response.headers()["content-type"].to_str().unwrap().to_owned();
        let body = response.bytes().await.unwrap();
        let is_protobuf = headers.contains(&PROTOBUF);
        assert_eq!(media_type, if is_protobuf { PROTOBUF.1 } else { JSON.1 });
        if is_protobuf {
            // `google.rpc.Status`: a code under 1, a message under 2.
            assert_eq!((body[0], body[2]), (0x08, 0x12), "{body:?}");
        } else {
            let body: Value = serde_json::from_slice(&body).unwrap();
            assert!(body["code"].is_u64() && body["message"].is_string(), "{body}");
        }
    }
    assert_eq!(program.metric("spans").await, 0.0);
    assert_eq!(program.metric("backlog_bytes").await, 0.0, "what was refused is given back");
}

#[tokio::test]
async fn who_is_still_sending_reads_the_refusal_and_may_go_on() {
    let program = Program::start(&["--max-request=64KiB"]);
    let length = 4 << 20;
    for (port, refused, then) in [
        (&program.otlp_http, "HTTP/1.1 413 Payload Too Large", "HTTP/1.1 200 OK"),
        // These were meant for the first port.
        (&program.otlp_grpc, "HTTP/1.1 415 Unsupported Media Type", "HTTP/1.1 415 Unsupported Media Type"),
        (&program.query, "HTTP/1.1 405 Method Not Allowed", "HTTP/1.1 405 Method Not Allowed"),
    ] {
        let mut client = TcpStream::connect(port).await.unwrap();
        // The answer doesn't wait for the body, and the body finds a reader after it.
        client.write_all(json_head(length).as_bytes()).await.unwrap();
        assert_eq!(answered(&mut client).await, refused);
        client.write_all(&vec![0; length]).await.unwrap();
        client.write_all(format!("{}{{}}", json_head(2)).as_bytes()).await.unwrap();
        assert_eq!(answered(&mut client).await, then);
    }
}

fn json_head(length: usize) -> String {
    format!("POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: {}\r\ncontent-length: {length}\r\n\r\n", JSON.1)
}

/// The first line of an answer; all of it is read.
async fn answered(client: &mut TcpStream) -> String {
    let mut client = BufReader::new(client);
    let (mut first, mut length) = (String::new(), 0);
    client.read_line(&mut first).await.unwrap();
    loop {
        let mut line = String::new();
        client.read_line(&mut line).await.unwrap();
        match line.trim_end().split_once(": ") {
            Some(("content-length", bytes)) => length = bytes.parse().unwrap(),
            Some(_) => {}
            None => break,
        }
    }
    client.read_exact(&mut vec![0; length]).await.unwrap();
    first.trim_end().to_owned()
}

#[tokio::test]
async fn other_signals_and_methods_are_not_here() {
    let program = Program::start(&[]);
    let client = reqwest::Client::new();
    for (method, path, status) in
        [("POST", "/v1/logs", 404), ("POST", "/v1/metrics", 404), ("GET", "/v1/traces", 405), ("GET", "/", 404)]
    {
        let request = client.request(method.parse().unwrap(), format!("http://{}{path}", program.otlp_http));
        assert_eq!(request.send().await.unwrap().status(), status, "{method} {path}");
    }
    let request = client.post(format!("http://{}/v1/traces", program.otlp_grpc));
    assert_eq!(request.send().await.unwrap().status(), 415, "HTTP on the port for gRPC");
}

#[tokio::test]
async fn who_comes_while_the_backlog_is_full_is_sent_away() {
    let program = Program::start(&["--backlog=4KiB"]);
    // One client has sent most of a request, and stays.
    let mut slow = TcpStream::connect(&program.otlp_http).await.unwrap();
    let head =
        "POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\ncontent-length: 4000\r\n\r\n";
    slow.write_all(head.as_bytes()).await.unwrap();
    slow.write_all(&[0; 3_900]).await.unwrap();
    while program.metric("backlog_bytes").await < 3_900.0 {
        tokio::task::yield_now().await;
    }
    let body = request("shop", (1..10).map(|id| span(1, id, 0, "GET /")).collect()).encode_to_vec();
    let response = program.post_protobuf(body.clone()).await;
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()["retry-after"], "1");
    drop(slow);
    while program.metric("backlog_bytes").await > 0.0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(program.post_protobuf(body).await.status(), 200);
}

#[tokio::test]
async fn who_takes_too_long_is_told_so() {
    let program = Program::start(&["--request-timeout=1"]);
    let mut slow = TcpStream::connect(&program.otlp_http).await.unwrap();
    let head = "POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n{";
    slow.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    slow.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 408");
}

/// With every way that JSON may write numbers.
fn one_json_span(trace_id: &str, span_id: &str) -> Value {
    let start = crate::spans::now();
    json!({ "resourceSpans": [{
        "resource": { "attributes": [{ "key": "service.name", "value": { "stringValue": "shop" } }] },
        "scopeSpans": [{ "scope": null, "spans": [{
            "traceId": trace_id, "spanId": span_id, "name": "GET /", "kind": 2, "unknown": { "x": [1] },
            "startTimeUnixNano": start.to_string(), "endTimeUnixNano": start + 1_000,
            "attributes": [
                { "key": "a", "value": { "intValue": "5" } }, { "key": "b", "value": { "intValue": 5 } },
                { "key": "c", "value": { "doubleValue": "NaN" } }, { "key": "d", "value": { "doubleValue": 1 } },
                { "key": "e", "value": null }, { "key": "f", "value": { "bytesValue": "AQI=" } },
            ],
            "events": null, "status": {},
        }] }],
    }] })
}

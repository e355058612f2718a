//! Jaeger's API, field by field.

use opentelemetry_proto::tonic::{
    common::v1::{AnyValue, ArrayValue, any_value::Value as Any},
    trace::v1::{
        Span, Status,
        span::{Event, Link},
    },
};
use prost::Message as _;
use serde_json::{Value, json};

use crate::{
    program::Program,
    spans::{now, pair, request, span, text},
};

/// A trace of two services: `web` calls `store`, which fails.
async fn shop(program: &Program) -> u64 {
    let start = (now() - 10_000_000_000) / 1_000_000 * 1_000_000;
    let list = ArrayValue { values: vec![AnyValue { value: Some(Any::IntValue(1)) }] };
    let web = Span {
        start_time_unix_nano: start,
        end_time_unix_nano: start + 20_000_000,
        trace_state: "a=b".to_owned(),
        attributes: vec![
            text("z.last", "<b>"),
            pair("whole", Any::IntValue(9_007_199_254_740_993)),
            pair("small", Any::IntValue(-5)),
            pair("part", Any::DoubleValue(0.5)),
            pair("yes", Any::BoolValue(true)),
            pair("raw", Any::BytesValue(vec![1, 2])),
            pair("list", Any::ArrayValue(list)),
        ],
        ..span(0xab, 1, 0, "GET /")
    };
    let store = Span {
        start_time_unix_nano: start + 5_000_000,
        end_time_unix_nano: start + 12_345_678,
        kind: 3,
        status: Some(Status { code: 2, message: "no".to_owned() }),
        events: vec![Event {
            time_unix_nano: start + 6_000_000,
            name: "retry".to_owned(),
            attributes: vec![text("why", "lost"), text("a", "b")],
            dropped_attributes_count: 0,
        }],
        links: vec![Link {
            trace_id: 0xcd_u128.to_be_bytes().to_vec(),
            span_id: 9_u64.to_be_bytes().to_vec(),
            ..Link::default()
        }],
        attributes: vec![text("db.system", "postgres")],
        ..span(0xab, 2, 1, "SELECT")
    };
    let mut all = request("web", vec![web]);
    all.resource_spans[0].resource.as_mut().unwrap().attributes.push(text("host.name", "h"));
    all.resource_spans.extend(request("store", vec![store]).resource_spans);
    assert_eq!(program.post_protobuf(all.encode_to_vec()).await.status(), 200);
    start / 1_000
}

fn tag(key: &str, kind: &str, value: impl Into<Value>) -> Value {
    json!({ "key": key, "type": kind, "value": value.into() })
}

#[tokio::test]
async fn a_trace_is_what_jaeger_makes_of_it() {
    let program = Program::start(&[]);
    let start = shop(&program).await;
    let trace_id = "00000000000000ab";
    let expected = json!({ "total": 0, "limit": 0, "offset": 0, "errors": null, "data": [{
        "traceID": trace_id,
        "warnings": null,
        "processes": {
            "p1": { "serviceName": "web", "tags": [tag("host.name", "string", "h")] },
            "p2": { "serviceName": "store", "tags": [] },
        },
        "spans": [
            {
                "traceID": trace_id, "spanID": "0000000000000001", "operationName": "GET /", "references": [],
                "startTime": start, "duration": 20_000, "logs": [], "processID": "p1", "warnings": null,
                "tags": [
                    tag("list", "string", "[1]"), tag("otel.scope.name", "string", "test"), tag("part", "float64", 0.5),
                    tag("raw", "binary", "AQI="), tag("small", "int64", -5), tag("span.kind", "string", "server"),
                    tag("w3c.tracestate", "string", "a=b"), tag("whole", "int64", "9007199254740993"),
                    tag("yes", "bool", true), tag("z.last", "string", "<b>"),
                ],
            },
            {
                "traceID": trace_id, "spanID": "0000000000000002", "operationName": "SELECT",
                "references": [
                    { "refType": "CHILD_OF", "traceID": trace_id, "spanID": "0000000000000001" },
                    { "refType": "FOLLOWS_FROM", "traceID": "00000000000000cd", "spanID": "0000000000000009" },
                ],
                "startTime": start + 5_000, "duration": 7_345, "processID": "p2", "warnings": null,
                "logs": [{ "timestamp": start + 6_000, "fields": [
                    tag("event", "string", "retry"), tag("a", "string", "b"), tag("why", "string", "lost"),
                ] }],
                "tags": [
                    tag("db.system", "string", "postgres"), tag("error", "bool", true),
                    tag("otel.scope.name", "string", "test"), tag("otel.status_code", "string", "ERROR"),
                    tag("otel.status_description", "string", "no"), tag("span.kind", "string", "client"),
                ],
            },
        ],
    }] });
    for path in ["ab", "00000000000000ab", "000000000000000000000000000000ab", "AB"] {
        let (status, body) = program.ask(&format!("/api/traces/{path}")).await;
        assert_eq!((status.as_u16(), &body), (200, &expected), "{path}");
    }
    let (_, body) = program.ask("/api/traces?traceID=ab&traceID=ef").await;
    assert_eq!(body["data"], expected["data"]);
    assert_eq!(body["errors"], json!([{ "msg": "trace not found", "traceID": "00000000000000ef" }]));
}

#[tokio::test]
async fn names_and_dependencies_are_listed() {
    let program = Program::start(&[]);
    assert_eq!(program.ask("/api/services").await.1, listed(Value::Null, 0));
    shop(&program).await;
    for (path, expected) in [
        ("services", listed(json!(["store", "web"]), 2)),
        ("services/web/operations", listed(json!(["GET /"]), 1)),
        ("services/none/operations", listed(Value::Null, 0)),
        ("operations?service=store", listed(json!([{ "name": "SELECT", "spanKind": "client" }]), 1)),
        ("operations?service=store&spanKind=server", listed(json!([]), 0)),
        ("dependencies", listed(json!([{ "parent": "web", "child": "store", "callCount": 1 }]), 0)),
        ("dependencies?service=nobody", listed(json!([]), 0)),
        ("dependencies?endTs=1000&lookback=1000", listed(json!([]), 0)),
    ] {
        let (status, body) = program.ask(&format!("/api/{path}")).await;
        assert_eq!((status.as_u16(), body), (200, expected), "{path}");
    }
}

fn listed(data: Value, total: usize) -> Value {
    json!({ "data": data, "total": total, "limit": 0, "offset": 0, "errors": null })
}

#[tokio::test]
async fn searches_find_what_one_span_has() {
    let program = Program::start(&[]);
    let start = shop(&program).await;
    let at = |micros: u64| format!("start={micros}&end={}", micros + 10);
    for (query, finds) in [
        ("service=web", true),
        ("service=none", false),
        ("service=web&operation=GET%20/", true),
        ("service=web&operation=SELECT", false),
        ("service=web&tags={\"z.last\":\"<b>\",\"small\":\"-5\"}", true),
        ("service=web&tags={\"z.last\":\"<b>\",\"small\":\"5\"}", false),
        ("service=web&tag=whole:9007199254740993&tag=yes:true&tag=part:0.5", true),
        ("service=web&tag=raw:AQI%3D&tag=list:%5B1%5D", true),
        ("service=web&tag=yes:false", false),
        ("service=web&tag=db.system:postgres", false),
        ("service=store&tag=db.system:postgres", true),
        ("service=store&tag=why:lost", true),
        ("service=store&tag=error:true&tag=span.kind:client&tag=otel.status_code:ERROR", true),
        ("service=web&tag=error:true", false),
        ("service=web&tag=host.name:h&tag=otel.scope.name:test&tag=w3c.tracestate:a%3Db", true),
        ("service=web&tag=service.name:web", true),
        ("service=web&minDuration=20ms&maxDuration=20ms", true),
        ("service=web&minDuration=20.001ms", false),
        ("service=web&maxDuration=19ms", false),
        (&format!("service=web&{}", at(start)), true),
        (&format!("service=web&{}", at(start + 1)), false),
        (&format!("service=store&{}", at(start + 5_000)), true),
        ("service=web&lookback=1s", false),
        ("service=web&lookback=1h&limit=1", true),
        ("service=web&lookback=custom", true),
    ] {
        let (status, body) = program.ask(&format!("/api/traces?{query}")).await;
        assert_eq!(
            (status.as_u16(), body["data"].as_array().map(Vec::len)),
            (200, Some(usize::from(finds))),
            "{query}"
        );
    }
}

#[tokio::test]
async fn the_newest_come_first_and_no_more_than_asked_for() {
    let program = Program::start(&[]);
    for trace in 1..=30 {
        program.post_protobuf(request("web", vec![span(trace, 1, 0, "GET /")]).encode_to_vec()).await;
    }
    let (_, body) = program.ask("/api/traces?service=web&limit=3").await;
    let ids: Vec<_> = body["data"].as_array().unwrap().iter().map(|trace| trace["traceID"].as_str().unwrap()).collect();
    assert_eq!(ids, ["000000000000001e", "000000000000001d", "000000000000001c"]);
    let (_, body) = program.ask("/api/traces?service=web").await;
    assert_eq!(body["data"].as_array().unwrap().len(), 30);
}

#[tokio::test]
async fn spans_sent_twice_are_shown_once() {
    let program = Program::start(&[]);
    let body = request("web", vec![span(1, 1, 0, "GET /")]).encode_to_vec();
    program.post_protobuf(body.clone()).await;
    program.post_protobuf(body).await;
    let mut other = request("web", vec![span(1, 1, 0, "same id, another span")]);
    other.resource_spans[0].resource.as_mut().unwrap().attributes.clear();
    program.post_protobuf(other.encode_to_vec()).await;
    let (_, body) = program.ask("/api/traces/1").await;
    assert_eq!(body["data"][0]["spans"].as_array().unwrap().len(), 2);
    let (_, services) = program.ask("/api/services").await;
    assert_eq!(services["data"], json!(["missing-service-name", "web"]));
}

#[tokio::test]
async fn wrong_questions_are_told_as_jaeger_tells_them() {
    let program = Program::start(&[]);
    for (path, code, message) in [
        ("traces/ab", 404, "trace not found"),
        ("traces/xyz", 400, "strconv.ParseUint: parsing \"xyz\": invalid syntax"),
        ("traces", 400, "parameter 'service' is required"),
        ("operations", 400, "parameter 'service' is required"),
        (
            "traces?service=s&start=x",
            400,
            "unable to parse param 'start': strconv.ParseInt: parsing \"x\": invalid syntax",
        ),
        ("traces?service=s&limit=x", 400, "strconv.ParseInt: parsing \"x\": invalid syntax"),
        ("traces?service=s&limit=0", 400, "the limit is 0: it must be from 1 to 10000"),
        (
            "traces?service=s&minDuration=5",
            400,
            "unable to parse param 'minDuration': time: missing unit in duration \"5\"",
        ),
        ("traces?service=s&minDuration=5s&maxDuration=1s", 400, "'maxDuration' should be greater than 'minDuration'"),
        ("traces?service=s&tag=a", 400, "malformed 'tag' parameter, expecting key:value, received: a"),
        ("metrics/calls?service=s", 501, "metrics querying is currently disabled"),
        ("nothing", 404, "no such path"),
    ] {
        let (status, body) = program.ask(&format!("/api/{path}")).await;
        let errors = json!([{ "code": code, "msg": message }]);
        let expected = json!({ "data": null, "total": 0, "limit": 0, "offset": 0, "errors": errors });
        assert_eq!((status.as_u16(), body), (code, expected), "{path}");
    }
    let text = program.get("/api/services?prettyPrint=true").await.bytes().await.unwrap();
    assert!(text.starts_with(b"{\n    \"data\": null"), "{text:?}");
}

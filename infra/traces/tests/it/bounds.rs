//! Memory has a bound, and what is dropped for it is told.

use prost::Message as _;

use crate::{
    program::Program,
    spans::{request, span, text},
};

#[tokio::test]
async fn a_flood_stays_within_the_bound() {
    let program = Program::start(&["--memory=2MiB"]);
    let mut sent = 0;
    while program.metric("spans_evicted_total").await < 5_000.0 {
        for _ in 0..10 {
            let spans = (0..100).map(|_| {
                sent += 1;
                let mut span = span(sent.into(), sent, 0, "flood");
                span.attributes = vec![text("number", &format!("{sent:0100}"))];
                span
            });
            let response = program.post_protobuf(request("flood", spans.collect()).encode_to_vec()).await;
            assert_eq!(response.status(), 200);
        }
        assert!(program.metric("memory_bytes").await <= f64::from(2 << 20));
        assert!(sent < 200_000, "nothing is dropped");
    }
    let kept = program.metric("spans").await;
    assert_eq!(kept + program.metric("spans_evicted_total").await, sent as f64);
    assert!(kept > 2_000.0, "{kept} spans in 2 MiB");

    let response = program.get("/api/services").await;
    let evicted: u64 = response.headers()["x-evicted-spans"].to_str().unwrap().parse().unwrap();
    assert!(evicted >= 5_000);
    let (_, state) = program.ask("/state").await;
    assert_eq!(state["evicted_spans"], evicted);
    assert!(state["oldest_start"].as_u64().unwrap() > 0);
    assert_eq!(program.ask("/api/traces/1").await.0, 404, "the first are gone");
    assert_eq!(program.ask(&format!("/api/traces/{sent:x}")).await.0, 200, "the last are here");
}

#[tokio::test]
async fn names_without_end_stay_within_the_bound() {
    let program = Program::start(&["--memory=1MiB"]);
    let mut round = 0;
    while program.metric("spans_evicted_total").await == 0.0 {
        // Each span brings a service, a name and an attribute's key that nobody has seen.
        let mut all = request("first", Vec::new());
        for number in 0..200 {
            let id = round * 200 + number + 1;
            let mut one = span(id.into(), id, 0, &format!("name-{id}"));
            one.attributes = vec![text(&format!("key-{id}"), "x")];
            all.resource_spans.extend(request(&format!("service-{id}"), vec![one]).resource_spans);
        }
        assert_eq!(program.post_protobuf(all.encode_to_vec()).await.status(), 200);
        assert!(program.metric("memory_bytes").await <= f64::from(1 << 20));
        round += 1;
        assert!(round < 100, "nothing is dropped");
    }
}

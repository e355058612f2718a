//! What is told of requests: their trace to handlers, their durations to Prometheus.

use crate::{client::Request, shop::Shop};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_gets_the_callers_trace_where_none_is_recorded() {
    let shop = Shop::open();
    let given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
    let trace = Request::new("GET", "/trace");
    assert_eq!(trace.clone().header("traceparent", given).send(shop.address()).await.json(), given);
    for wrong in ["nonsense", "00-00000000000000000000000000000000-00f067aa0ba902b7-01"] {
        let answer = trace.clone().header("traceparent", wrong).send(shop.address()).await;
        assert_eq!((answer.status, answer.json()), (200, serde_json::Value::Null), "{wrong}");
    }
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn durations_are_told_by_route_and_not_by_path() {
    let shop = Shop::open();
    for path in ["/orders/one", "/orders/two", "/scanned/by/somebody"] {
        Request::new("GET", path).send(shop.address()).await;
    }
    let metrics = Request::new("GET", "/metrics").send(shop.address()).await;
    assert!(metrics.header("content-type").unwrap().starts_with("text/plain; version=0.0.4"));
    let text = metrics.text();
    assert!(text.contains("http_server_request_duration_seconds_bucket{"), "{text}");
    assert!(text.contains(r#"http_route="/orders/{id}""#), "{text}");
    assert!(text.contains("http_server_active_requests"), "{text}");
    assert!(!text.contains("/orders/one") && !text.contains("/scanned"), "{text}");
    shop.close().await;
}

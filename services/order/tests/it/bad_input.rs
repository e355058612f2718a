//! What must be refused: a problem each time, with the place of the fault, and nothing stored.

use contracts::OrderId;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::shop::{Client, Shop};

/// A request, the status it must be answered with, and the pointers or parameters of its faults.
struct Case {
    name: &'static str,
    request: RequestBuilder,
    status: u16,
    places: &'static [&'static str],
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_refused_with_its_place_and_stores_nothing() {
    let shop = Shop::open().await;
    let order_service = shop.instance().await;
    let cases = [bodies(&order_service), raw_bodies(&order_service), headers(&order_service), urls(&order_service)];
    for Case { name, request, status, places } in cases.into_iter().flatten() {
        let answer = order_service.send(request).await;
        assert_eq!(answer.status.as_u16(), status, "{name}: {answer}");
        let problem = answer.problem(status);
        let found: Vec<_> = problem
            .errors
            .iter()
            .map(|fault| fault.pointer.as_deref().or(fault.parameter.as_deref()).unwrap())
            .collect();
        assert_eq!(found, places, "{name}: {answer}");
        assert!(problem.errors.iter().all(|fault| !fault.detail.is_empty()), "{name}: {answer}");
    }
    for table in ["SELECT count(*) FROM orders", "SELECT count(*) FROM idempotency", "SELECT count(*) FROM outbox"] {
        assert_eq!(shop.number(table).await, 0, "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_json_is_answered_with_its_line_and_column() {
    let shop = Shop::open().await;
    let order_service = shop.instance().await;
    let answer = order_service.send(raw(&order_service, "{\"lines\": [\n  {\"sku\": }\n]}")).await;
    assert!(answer.problem(400).errors[0].detail.contains("line 2 column 11"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_method_that_there_is_not_is_answered_with_those_there_are() {
    let shop = Shop::open().await;
    let order_service = shop.instance().await;
    let answer = order_service.send(order_service.request(Method::DELETE, "/orders")).await;
    answer.problem(405);
    assert_eq!(answer.header("allow"), Some("GET, POST"));
}

fn bodies(client: &Client) -> Vec<Case> {
    let line = |sku: &str, quantity: Value| json!({"lines": [{"sku": sku, "quantity": quantity}]});
    let bodies: Vec<(&'static str, Value, &'static [&'static str])> = vec![
        ("no lines", json!({"lines": []}), &["/lines"]),
        ("too many lines", json!({"lines": vec![json!({"sku": "A", "quantity": 1}); 1_001]}), &["/lines"]),
        ("quantity 0", line("A", json!(0)), &["/lines/0/quantity"]),
        ("negative quantity", line("A", json!(-1)), &["/lines/0/quantity"]),
        ("fractional quantity", line("A", json!(1.5)), &["/lines/0/quantity"]),
        ("quantity over 1,000,000", line("A", json!(1_000_001)), &["/lines/0/quantity"]),
        ("quantity beyond 64 bits", line("A", json!(1e30)), &["/lines/0/quantity"]),
        ("quantity as text", line("A", json!("6")), &["/lines/0/quantity"]),
        ("unknown SKU", line("NOPE", json!(1)), &["/lines/0/sku"]),
        ("SKU in another case", line("a", json!(1)), &["/lines/0/sku"]),
        ("empty SKU", line("", json!(1)), &["/lines/0/sku"]),
        ("SKU too long", line(&"A".repeat(33), json!(1)), &["/lines/0/sku"]),
        ("SKU with a strange character", line("A/B", json!(1)), &["/lines/0/sku"]),
        ("SKU with a null character", line("A\0", json!(1)), &["/lines/0/sku"]),
        ("SKU as a number", json!({"lines": [{"sku": 85123, "quantity": 1}]}), &["/lines/0/sku"]),
        ("empty customer", json!({"customer_id": "", "lines": [{"sku": "A", "quantity": 1}]}), &["/customer_id"]),
        (
            "customer too long",
            json!({"customer_id": "1".repeat(65), "lines": [{"sku": "A", "quantity": 1}]}),
            &["/customer_id"],
        ),
        ("unknown field", json!({"lines": [{"sku": "A", "quantity": 1}], "colour": "red"}), &["/colour"]),
        ("unknown field of a line", json!({"lines": [{"sku": "A", "quantity": 1, "price": 1}]}), &["/lines/0/price"]),
        ("no field lines", json!({"customer_id": "17850"}), &[""]),
        ("no field quantity", json!({"lines": [{"sku": "A"}]}), &["/lines/0"]),
        ("lines of another type", json!({"lines": "all"}), &["/lines"]),
        ("another type", json!([]), &[""]),
        (
            "lines that add up to too many",
            json!({"lines": [{"sku": "A", "quantity": 1_000_000}, {"sku": "B", "quantity": 1}, {"sku": "A", "quantity": 1}]}),
            &["/lines/2/quantity"],
        ),
        (
            "everything at once",
            json!({"customer_id": "a b", "lines": [{"sku": "NOPE", "quantity": 0}, {"sku": "A", "quantity": 0.5}]}),
            &["/customer_id", "/lines/0/sku", "/lines/0/quantity", "/lines/1/quantity"],
        ),
    ];
    let case = |(name, body, places)| Case {
        name,
        request: client.request(Method::POST, "/orders").json(&body),
        status: 400,
        places,
    };
    bodies.into_iter().map(case).collect()
}

const RIGHT: &str = r#"{"lines": [{"sku": "A", "quantity": 1}]}"#;

fn raw(client: &Client, body: impl Into<reqwest::Body>) -> RequestBuilder {
    client.request(Method::POST, "/orders").header("Content-Type", "application/json").body(body)
}

fn raw_bodies(client: &Client) -> Vec<Case> {
    let post = || client.request(Method::POST, "/orders");
    let large = format!(r#"{{"customer_id": "{}", "lines": []}}"#, "1".repeat(1024 * 1024));
    let case = |name, request, status, places| Case { name, request, status, places };
    vec![
        case("malformed JSON", raw(client, "{\"lines\": [}"), 400, &[""]),
        case("no body", raw(client, ""), 400, &[""]),
        case("not UTF-8", raw(client, b"{\"lines\": [], \"customer_id\": \"\xff\"}".to_vec()), 400, &[""]),
        case("body over 1 MiB", raw(client, large), 413, &[]),
        case("text", post().header("Content-Type", "text/plain").body(RIGHT), 415, &[]),
        case("no content type", post().body(RIGHT), 415, &[]),
    ]
}

fn headers(client: &Client) -> Vec<Case> {
    let with = |name: &'static str, header: &'static str, value: String| Case {
        name,
        request: raw(client, RIGHT).header(header, value),
        status: 400,
        places: if header == "Prefer" { &["Prefer"] } else { &["Idempotency-Key"] },
    };
    vec![
        with("key too long", "Idempotency-Key", "k".repeat(256)),
        with("empty key", "Idempotency-Key", String::new()),
        with("key with strange characters", "Idempotency-Key", "clé".to_owned()),
        with("waits too long", "Prefer", "wait=31".to_owned()),
        with("waits a negative time", "Prefer", "wait=-1".to_owned()),
    ]
}

fn urls(client: &Client) -> Vec<Case> {
    let unknown = OrderId::generate();
    let case =
        |name, method, path: &str, status, places| Case { name, request: client.request(method, path), status, places };
    vec![
        case("unknown order", Method::GET, &format!("/orders/{unknown}"), 404, &[]),
        case("timeline of an unknown order", Method::GET, &format!("/orders/{unknown}/timeline"), 404, &[]),
        case("cancelling an unknown order", Method::POST, &format!("/orders/{unknown}/cancel"), 404, &[]),
        case("no id", Method::GET, "/orders/17", 400, &["id"]),
        case("cancelling no id", Method::POST, "/orders/17/cancel", 400, &["id"]),
        case("unknown path", Method::GET, "/nowhere", 404, &[]),
        case("wrong method", Method::PUT, "/orders", 405, &[]),
        case("wrong method of an order", Method::DELETE, &format!("/orders/{unknown}"), 405, &[]),
        case("limit 0", Method::GET, "/orders?limit=0", 400, &["limit"]),
        case("limit too high", Method::GET, "/orders?limit=1001", 400, &["limit"]),
        case("status that there is not", Method::GET, "/orders?status=pending", 400, &["status"]),
        case("no time", Method::GET, "/orders?placed_after=yesterday", 400, &["placed_after"]),
        case("no cursor", Method::GET, "/orders?cursor=17", 400, &["cursor"]),
        case("no customer", Method::GET, "/orders?customer_id=", 400, &["customer_id"]),
        case("unknown parameter", Method::GET, "/orders?page=2", 400, &["page"]),
    ]
}

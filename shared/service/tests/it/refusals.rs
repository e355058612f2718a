//! Bad input: a problem each time, with its place, and never a 500.

use service::{body::MAX_BYTES, problem::Kind};

use crate::{
    client::{Request, send},
    shop::{Shop, TOKEN},
};

fn get(path: &str) -> Request {
    Request::new("GET", path)
}

fn place(body: impl AsRef<[u8]>) -> Request {
    Request::new("POST", "/orders").json(body)
}

const GOOD: &str = r#"{"lines": [{"sku": "85123A", "quantity": 6}]}"#;

/// A request, the status, and what its problem's only fault has as pointer or parameter, and in its detail.
type Case = (&'static str, Request, u16, &'static str, &'static str);

fn bodies() -> Vec<Case> {
    let deep = "[".repeat(100_000);
    let unknown_field = r#"{"lines": [{"sku": "A", "quantity": 1, "a/b~c": 1}]}"#;
    vec![
        ("no body", place(""), 400, "", "empty"),
        ("white space", place(" \r\n"), 400, "", "empty"),
        ("cut off", place(r#"{"lines": ["#), 400, "", "line 1 column 11"),
        ("in the second line", place("{\"lines\":\n [,]}"), 400, "", "line 2 column 3"),
        ("more after it", place(format!("{GOOD} {GOOD}")), 400, "", "line 1 column 47"),
        ("not UTF-8", place(b"{\"lines\": [], \"customer_id\": \"\xff\"}"), 400, "", "line 1 column"),
        ("nested deeply", Request::new("POST", "/anything").json(&deep), 400, "", "recursion limit exceeded at line 1"),
        ("deep in an unknown field", place(format!("{{\"x\": {deep}")), 400, "/x", "unknown field"),
        ("another type", place("[]"), 400, "", "line 1 column"),
        ("unknown field", place(unknown_field), 400, "/lines/0/a~1b~0c", "unknown field"),
        ("missing field", place("{}"), 400, "", "missing field `lines`"),
        ("field twice", place(r#"{"lines": [], "lines": []}"#), 400, "", "duplicate field `lines`"),
        ("wrong type", place(r#"{"lines": [{"sku": 5, "quantity": 1}]}"#), 400, "/lines/0/sku", "invalid type"),
    ]
}

fn parameters() -> Vec<Case> {
    let keyed = |key: &str| place(GOOD).header("Idempotency-Key", key);
    let preferring = |wait: &str| place(GOOD).header("Prefer", wait);
    vec![
        ("path", get("/orders/nonsense"), 400, "id", "nonsense"),
        ("path with a slash", get("/orders/%2F"), 400, "id", "/"),
        ("limit of 0", get("/orders?limit=0"), 400, "limit", "1 to 200"),
        ("limit no number", get("/orders?limit=x"), 400, "limit", "x"),
        ("limit twice", get("/orders?limit=1&limit=2"), 400, "limit", "once"),
        ("unknown parameter", get("/orders?colour=red"), 400, "colour", "unknown"),
        ("SKU too long", get(&format!("/orders?sku={}", "A".repeat(33))), 400, "sku", "at most 32"),
        ("key too long", keyed(&"k".repeat(256)), 400, "Idempotency-Key", "at most 255"),
        ("empty key", keyed(""), 400, "Idempotency-Key", "empty"),
        ("key not ASCII", keyed("schlüssel"), 400, "Idempotency-Key", "ASCII"),
        ("key twice", keyed("a").header("Idempotency-Key", "b"), 400, "Idempotency-Key", "once"),
        ("wait too long", preferring("wait=31"), 400, "Prefer", "30"),
        ("wait negative", preferring("wait=-1"), 400, "Prefer", "30"),
        ("wait without a value", preferring("respond-async, wait"), 400, "Prefer", "30"),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_of_the_input_are_named_with_their_place() {
    let shop = Shop::open();
    for (name, request, status, place, detail) in bodies().into_iter().chain(parameters()) {
        let answer = request.send(shop.address()).await;
        assert_eq!(answer.status, status, "{name}: {}", answer.text());
        let problem = answer.problem();
        assert_eq!(problem.kind, "urn:plumbline:problem:invalid-request", "{name}");
        let [fault] = &problem.errors[..] else { panic!("{name}: {problem:?}") };
        assert_eq!(fault.pointer.as_deref().or(fault.parameter.as_deref()), Some(place), "{name}: {fault:?}");
        assert!(fault.detail.contains(detail), "{name}: {fault:?}");
    }
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_right_is_taken() {
    let shop = Shop::open();
    let longest = "k".repeat(255);
    for (name, request) in [
        ("plain", place(GOOD)),
        (
            "charset",
            Request::new("POST", "/orders").header("Content-Type", "Application/JSON; charset=utf-8").body(GOOD),
        ),
        ("suffix", Request::new("POST", "/orders").header("Content-Type", "application/merge-patch+json").body(GOOD)),
        (
            "in chunks",
            Request::new("POST", "/orders").header("Content-Type", "application/json").chunks(GOOD.as_bytes(), 1),
        ),
        ("longest key", place(GOOD).header("Idempotency-Key", &longest)),
        ("longest wait", place(GOOD).header("Prefer", "handling=lenient, Wait=\"30\"; x=y")),
        ("largest body", place(format!("{GOOD}{}", " ".repeat(MAX_BYTES - GOOD.len())))),
    ] {
        let answer = request.send(shop.address()).await;
        assert_eq!(answer.status, 202, "{name}: {}", answer.text());
        assert_eq!(answer.json()["lines"], 1, "{name}");
    }
    let answer = get("/orders?sku=A&sku=B%20C&limit=7").send(shop.address()).await;
    assert_eq!(answer.json(), serde_json::json!({ "limit": 7, "skus": ["A", "B C"] }));
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_other_refusal_is_a_problem_too() {
    let shop = Shop::open();
    let typed = |content_type: &str| Request::new("POST", "/orders").header("Content-Type", content_type).body(GOOD);
    let large = || Request::new("POST", "/orders").header("Content-Type", "application/json");
    for (name, request, kind) in [
        ("no content type", Request::new("POST", "/orders").body(GOOD), Kind::UnsupportedMediaType),
        ("text", typed("text/plain"), Kind::UnsupportedMediaType),
        ("form", typed("application/x-www-form-urlencoded"), Kind::UnsupportedMediaType),
        ("nearly JSON", typed("application/jsonp"), Kind::UnsupportedMediaType),
        ("large by its length", large().body(vec![b' '; MAX_BYTES + 1]), Kind::TooLarge),
        ("large in chunks", large().chunks(&[b' '; 64 * 1024], 17), Kind::TooLarge),
        ("unknown path", get("/nothing"), Kind::NotFound),
        ("below a path", get("/orders/a/b/c"), Kind::NotFound),
        ("unknown order", get("/orders/0193e2a5-7c1e-7bd2-9a41-6f0e7ad2c9b3"), Kind::NotFound),
        ("unknown page", get("/docs/nothing.js"), Kind::NotFound),
    ] {
        let answer = request.send(shop.address()).await;
        assert_eq!(answer.status, kind.status().as_u16(), "{name}: {}", answer.text());
        answer.problem();
    }
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_body_is_refused_before_it_is_sent_whole() {
    let shop = Shop::open();
    let declared = "POST /orders HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\n\
                    Content-Length: 1048577\r\nConnection: close\r\n\r\n";
    let answer = send(shop.address(), declared.as_bytes()).await;
    assert_eq!(answer.status, 413);
    answer.problem();
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_method_is_refused_with_those_that_there_are() {
    let shop = Shop::open();
    for (method, path, allow) in [
        ("DELETE", "/orders", "GET, POST"),
        ("PATCH", "/stock", "PUT"),
        ("BREW", "/trace", "GET"),
        ("POST", "/readyz", "GET"),
        ("POST", "/metrics", "GET"),
    ] {
        let answer = Request::new(method, path).send(shop.address()).await;
        assert_eq!(answer.status, 405, "{method} {path}: {}", answer.text());
        assert_eq!(answer.header("allow"), Some(allow), "{method} {path}");
        answer.problem();
    }
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_operator_is_let_in() {
    let shop = Shop::open();
    let put = || Request::new("PUT", "/stock");
    for (name, request) in [
        ("nothing", put()),
        ("another token", put().header("Authorization", "Bearer hush-hust")),
        ("a part of it", put().header("Authorization", "Bearer hush")),
        ("more than it", put().header("Authorization", "Bearer hush-hush-hush")),
        ("another scheme", put().header("Authorization", "Basic hush-hush")),
        ("no token", put().header("Authorization", "Bearer ")),
    ] {
        let answer = request.send(shop.address()).await;
        assert_eq!(answer.status, 401, "{name}");
        assert!(answer.header("www-authenticate").unwrap().starts_with("Bearer"), "{name}");
        assert!(!answer.text().contains(TOKEN), "{name}");
        answer.problem();
    }
    let answer = put().header("Authorization", &format!("Bearer {TOKEN}")).send(shop.address()).await;
    assert_eq!(answer.status, 204);
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_configured_token_nobody_is_let_in() {
    let shop = Shop::with(None, std::time::Duration::from_secs(10));
    for given in ["", "Bearer ", "Bearer x"] {
        let answer = Request::new("PUT", "/stock").header("Authorization", given).send(shop.address()).await;
        assert_eq!(answer.status, 401, "{given:?}");
    }
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_http_is_refused_and_the_server_goes_on() {
    let shop = Shop::open();
    for octets in [
        &b"nonsense\r\n\r\n"[..],
        b"GET /orders HTTP/1.1\r\nHost shop\r\n\r\n",
        b"GET /orders HTTP/9.9\r\n\r\n",
        b"POST /orders HTTP/1.1\r\nHost: shop\r\nContent-Length: many\r\n\r\n",
        b"POST /orders HTTP/1.1\r\nHost: shop\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ] {
        let answer = send(shop.address(), octets).await;
        assert_eq!(answer.status, 400, "{}", String::from_utf8_lossy(octets));
    }
    assert_eq!(get("/livez").send(shop.address()).await.status, 200);
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fault_of_the_service_tells_nothing_of_itself() {
    let shop = Shop::open();
    for path in ["/panic", "/internal", "/panic"] {
        let answer = get(path).send(shop.address()).await;
        assert_eq!(answer.status, 500, "{path}");
        assert!(!answer.text().contains("secret"), "{path}: {}", answer.text());
        assert_eq!(answer.problem().kind, "urn:plumbline:problem:internal");
    }
    assert_eq!(get("/livez").send(shop.address()).await.status, 200, "the worker lives on");
    shop.close().await;
}

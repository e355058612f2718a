use contracts::problem::MEDIA_TYPE;
use reqwest::{Method, RequestBuilder, header};
use serde_json::{Value, json};

use crate::world::{TOKEN, World};

struct Case {
    what: &'static str,
    request: RequestBuilder,
    status: u16,
    /// Where the faults are: pointers and parameters.
    faults: &'static [&'static str],
}

fn cases(world: &World) -> Vec<Case> {
    let put = |sku: &str| world.request(Method::PUT, &format!("/products/{sku}")).bearer_auth(TOKEN);
    let adjust = |sku: &str| world.request(Method::POST, &format!("/stock/{sku}/adjustments")).bearer_auth(TOKEN);
    let reserve = || world.request(Method::POST, "/reservations").bearer_auth(TOKEN);
    let release = |id: &str| world.request(Method::DELETE, &format!("/reservations/{id}")).bearer_auth(TOKEN);
    let get = |path: &str| world.request(Method::GET, path);
    let text =
        |request: RequestBuilder, body: String| request.header(header::CONTENT_TYPE, "application/json").body(body);
    let product = |name: Value, minor: Value, currency: Value| json!({"name": name, "unit_price": {"minor": minor, "currency": currency}});
    let good = product(json!("MUG"), json!(255), json!("GBP"));
    let count = json!({"delta": 7, "reason": "count"});
    let case = |what, request, status, faults| Case { what, request, status, faults };
    vec![
        case("put without a token", world.request(Method::PUT, "/products/A").json(&good), 401, &[]),
        case(
            "put with a wrong token",
            world.request(Method::PUT, "/products/A").bearer_auth("x").json(&good),
            401,
            &[],
        ),
        case(
            "put with another scheme",
            world.request(Method::PUT, "/products/A").basic_auth("o", Some(TOKEN)),
            401,
            &[],
        ),
        case("adjust without a token", world.request(Method::POST, "/stock/A/adjustments").json(&count), 401, &[]),
        case(
            "adjust with a wrong token",
            world.request(Method::POST, "/stock/A/adjustments").bearer_auth("x"),
            401,
            &[],
        ),
        case("reserve without a token", world.request(Method::POST, "/reservations"), 401, &[]),
        case("confirm without a token", world.request(Method::POST, "/reservations/17/confirm"), 401, &[]),
        case("release without a token", world.request(Method::DELETE, "/reservations/17"), 401, &[]),
        case("releasing no order id", release("17"), 400, &["order_id"]),
        case("releasing nothing", release("0193e2a5-7c1e-7bd2-9a41-6f0e7ad2c9b3"), 404, &[]),
        case("reserving nothing", reserve().json(&json!({"lines": []})), 400, &["/lines"]),
        case(
            "reserving for a customer",
            reserve().json(&json!({"lines": [], "customer_id": "1"})),
            400,
            &["/customer_id"],
        ),
        case(
            "reserving with everything wrong at once",
            reserve().json(&json!({"order_id": "17", "lines": [{"sku": "a/b", "quantity": 0.5}]})),
            400,
            &["/order_id", "/lines/0/sku", "/lines/0/quantity"],
        ),
        case("delete", world.request(Method::DELETE, "/products/A"), 405, &[]),
        case("post a product", world.request(Method::POST, "/products"), 405, &[]),
        case("put stock", world.request(Method::PUT, "/stock/A"), 405, &[]),
        case("no such path", get("/nothing"), 404, &[]),
        case("no such product", get("/products/NONE"), 404, &[]),
        case("no such stock", get("/stock/NONE"), 404, &[]),
        case("no such reservation", get("/reservations/0193e2a5-7c1e-7bd2-9a41-6f0e7ad2c9b3"), 404, &[]),
        case("adjusting no product", adjust("NONE").json(&count), 404, &[]),
        case("not an order id", get("/reservations/17"), 400, &["order_id"]),
        case("not a SKU", get("/products/a%2Fb"), 400, &["sku"]),
        case("a SKU too long", get(&format!("/stock/{}", "A".repeat(33))), 400, &["sku"]),
        case("limit 0", get("/products?limit=0"), 400, &["limit"]),
        case("limit 1001 and a bad cursor", get("/products?limit=1001&cursor=%2F"), 400, &["cursor", "limit"]),
        case("an unknown parameter", get("/products?sort=name"), 400, &["sort"]),
        case("no content type", put("A").body(good.to_string()), 415, &[]),
        case("text", put("A").header(header::CONTENT_TYPE, "text/plain").body(good.to_string()), 415, &[]),
        case("over 1 MiB", text(put("A"), format!("{{\"name\": \"{}\"}}", "x".repeat(1_100_000))), 413, &[]),
        case("an empty body", text(put("A"), String::new()), 400, &[""]),
        case("malformed", text(put("A"), "{\"name\": }".to_owned()), 400, &[""]),
        case("not an object", text(put("A"), "[]".to_owned()), 400, &[""]),
        case("an unknown field", text(put("A"), json!({"name": "MUG", "colour": 1}).to_string()), 400, &["/colour"]),
        case("a field missing", put("A").json(&json!({"name": "MUG"})), 400, &[""]),
        case("a name that is none", put("A").json(&product(json!(5), json!(255), json!("GBP"))), 400, &["/name"]),
        case("a blank name", put("A").json(&product(json!(" "), json!(255), json!("GBP"))), 400, &["/name"]),
        case("a NUL in the name", put("A").json(&product(json!("M\0G"), json!(255), json!("GBP"))), 400, &["/name"]),
        case("a long name", put("A").json(&product(json!("é".repeat(201)), json!(1), json!("GBP"))), 400, &["/name"]),
        case(
            "a price of nothing, in euros",
            put("A").json(&product(json!("MUG"), json!(0), json!("EUR"))),
            400,
            &["/unit_price/minor", "/unit_price/currency"],
        ),
        case(
            "a price of a text",
            put("A").json(&product(json!("M"), json!("1"), json!("GBP"))),
            400,
            &["/unit_price/minor"],
        ),
        case(
            "everything wrong at once",
            put("a%2Fb").json(&product(json!(""), json!(2.5), json!("pounds"))),
            400,
            &["sku", "/name", "/unit_price/minor", "/unit_price/currency"],
        ),
        case(
            "a key too long",
            adjust("A").header("Idempotency-Key", "k".repeat(256)).json(&count),
            400,
            &["Idempotency-Key"],
        ),
        case("an empty key", adjust("A").header("Idempotency-Key", "").json(&count), 400, &["Idempotency-Key"]),
        case("delta 0, no reason", adjust("A").json(&json!({"delta": 0, "reason": ""})), 400, &["/delta", "/reason"]),
        case("half a piece", adjust("A").json(&json!({"delta": 0.5, "reason": "count"})), 400, &["/delta"]),
        case("very many", adjust("A").json(&json!({"delta": 1_000_000_001, "reason": "count"})), 400, &["/delta"]),
        case("a long reason", adjust("A").json(&json!({"delta": 1, "reason": "x".repeat(65)})), 400, &["/reason"]),
        case("too many away", adjust("A").json(&json!({"delta": -4, "reason": "loss"})), 409, &[]),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_input_is_refused_with_its_faults_and_changes_nothing() {
    let world = World::start().await;
    world.stock_up(&[("A", 3)]).await;
    let before = state(&world).await;
    for Case { what, request, status, faults } in cases(&world) {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), status, "{what}");
        let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(header("content-type").as_deref(), Some(MEDIA_TYPE), "{what}");
        assert_eq!(header("www-authenticate").is_some(), status == 401, "{what}");
        assert_eq!(header("allow").is_some(), status == 405, "{what}");
        let problem: Value = response.json().await.unwrap();
        assert_eq!(problem["status"], status, "{what}: {problem}");
        assert!(problem["type"].as_str().unwrap().starts_with("urn:plumbline:problem:"), "{what}: {problem}");
        assert!(!problem["detail"].as_str().unwrap().is_empty(), "{what}: {problem}");
        let places: Vec<&str> = problem["errors"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|fault| fault["pointer"].as_str().or(fault["parameter"].as_str()).unwrap())
            .collect();
        assert_eq!(places, faults, "{what}: {problem}");
    }
    assert_eq!(state(&world).await, before);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn malformed_json_is_refused_with_line_and_column() {
    let world = World::start().await;
    let request = world.request(Method::PUT, "/products/A").bearer_auth(TOKEN);
    let body = "{\n  \"name\": \"MUG\",\n  \"unit_price\": }";
    let response = request.header(header::CONTENT_TYPE, "application/json").body(body).send().await.unwrap();
    let problem: Value = response.json().await.unwrap();
    assert!(problem["errors"][0]["detail"].as_str().unwrap().contains("line 3 column 17"), "{problem}");
    world.end().await;
}

/// All that is stored.
async fn state(world: &World) -> Vec<String> {
    let all = "SELECT 'product ' || p::text FROM products p UNION ALL SELECT 'stock ' || s::text FROM stock s
        UNION ALL SELECT 'adjustment ' || a::text FROM stock_adjustments a
        UNION ALL SELECT 'reservation ' || r::text FROM reservations r ORDER BY 1";
    sqlx::query_scalar(all).fetch_all(&world.database).await.unwrap()
}

use contracts::problem::MEDIA_TYPE;
use serde_json::{Value, json};

use crate::world::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_input_is_refused_with_its_faults() {
    let world = World::open().await;
    let app = world.start(&[]).await;
    let eleven = ["sku=A"; 11].join("&");
    let long = format!("sku={}", "A".repeat(33));
    let cases: [(&str, &[&str]); 13] = [
        ("", &["sku"]),
        ("limit=10", &["sku"]),
        (&eleven, &["sku"]),
        (&long, &["sku"]),
        ("sku=", &["sku"]),
        ("sku=a%2Fb&sku=A&sku=%C3%A9", &["sku", "sku"]),
        ("sku=A&limit=0", &["limit"]),
        ("sku=A&limit=51", &["limit"]),
        ("sku=A&limit=-1", &["limit"]),
        ("sku=A&limit=many", &["limit"]),
        ("sku=A&limit=1&limit=2", &["limit"]),
        ("sku=A&since=monday", &["since"]),
        ("sku=a%2Fb&limit=0&since=monday", &["sku", "limit", "since"]),
    ];
    for (query, faults) in cases {
        let (status, problem) = world.get(&app, &format!("/recommendations?{query}")).await;
        assert_eq!(status, 400, "{query}: {problem}");
        assert_eq!(problem["type"], "urn:plumbline:problem:invalid-request", "{query}");
        let named: Vec<&str> =
            problem["errors"].as_array().unwrap().iter().map(|fault| fault["parameter"].as_str().unwrap()).collect();
        assert_eq!(named, faults, "{query}: {problem}");
    }
    for (method, path, status) in
        [(reqwest::Method::POST, "/recommendations?sku=A", 405), (reqwest::Method::GET, "/nothing", 404)]
    {
        let url = format!("http://{}{path}", app.address());
        let response = reqwest::Client::new().request(method, url).send().await.unwrap();
        assert_eq!(response.status(), status, "{path}");
        assert_eq!(response.headers()["content-type"], MEDIA_TYPE);
        let problem: Value = response.json().await.unwrap();
        assert_eq!(problem["status"], status, "{problem}");
    }
    let ten = ["sku=A"; 10].join("&");
    assert_eq!(world.recommendations(&app, &format!("{ten}&limit=50")).await, (Vec::new(), 0));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_api_describes_itself() {
    let world = World::open().await;
    let app = world.start(&[]).await;
    let (status, description) = world.get(&app, "/openapi.json").await;
    assert_eq!(status, 200);
    let operation = &description["paths"]["/recommendations"]["get"];
    assert_eq!(operation["operationId"], "recommend");
    let parameters = operation["parameters"].as_array().unwrap();
    assert_eq!(parameters.iter().map(|parameter| &parameter["required"]).collect::<Vec<_>>(), [true, false]);
    world.until_ready(&app).await;
    let (_, health) = world.get(&app, "/readyz").await;
    assert_eq!(health["parts"], json!({"model": "ready", "serving": "ready"}));
    app.stop().await;
}

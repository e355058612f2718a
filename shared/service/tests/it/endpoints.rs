//! What every service answers.

use crate::{client::Request, shop::Shop};

fn get(path: &str) -> Request {
    Request::new("GET", path)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_ready_when_every_part_is() {
    let shop = Shop::open();
    let (database, kafka) = (shop.health.part("database"), shop.health.part("kafka"));
    database.ready();
    let starting = get("/readyz").send(shop.address()).await;
    assert_eq!((starting.status, &starting.json()["parts"]["kafka"]), (503, &"starting".into()));

    kafka.ready();
    let ready = get("/readyz").send(shop.address()).await;
    assert_eq!((ready.status, &ready.json()["ready"]), (200, &true.into()));

    database.not_ready("connection refused");
    let broken = get("/readyz").send(shop.address()).await;
    assert_eq!((broken.status, &broken.json()["parts"]["database"]), (503, &"connection refused".into()));
    assert_eq!(get("/livez").send(shop.address()).await.status, 200, "it lives all the same");
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_api_is_described_and_shown_without_a_network() {
    let shop = Shop::open();
    let openapi = get("/openapi.json").send(shop.address()).await;
    assert_eq!((openapi.status, openapi.header("content-type")), (200, Some("application/json")));
    assert!(openapi.json()["openapi"].as_str().unwrap().starts_with("3."));
    assert!(openapi.json()["paths"]["/orders"]["post"].is_object());

    let redirect = get("/docs").send(shop.address()).await;
    assert!((300..400).contains(&redirect.status));
    assert_eq!(redirect.header("location"), Some("/docs/"));
    let page = get("/docs/").send(shop.address()).await;
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").unwrap().starts_with("text/html"));
    for file in ["swagger-ui.css", "swagger-ui-bundle.js", "swagger-initializer.js"] {
        assert!(page.text().contains(file), "{file}");
        let loaded = get(&format!("/docs/{file}")).send(shop.address()).await;
        assert_eq!(loaded.status, 200, "{file}");
        assert!(!loaded.body.is_empty(), "{file}");
    }
    assert!(get("/docs/swagger-initializer.js").send(shop.address()).await.text().contains("/openapi.json"));
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_small_answer_is_not_compressed() {
    let shop = Shop::open();
    let answer = get("/livez").header("Accept-Encoding", "gzip").send(shop.address()).await;
    assert_eq!(answer.header("content-encoding"), None);
    shop.close().await;
}

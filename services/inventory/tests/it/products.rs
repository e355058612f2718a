use contracts::{
    event::{Event, ProductUpserted},
    topics::Topic,
};
use serde_json::json;

use crate::world::{World, follow, until};

fn body(name: &str, minor: i64) -> serde_json::Value {
    json!({"name": name, "unit_price": {"minor": minor, "currency": "GBP"}})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_product_is_made_changed_and_published_only_when_something_is_new() {
    let world = World::start().await;
    let catalogue = follow(&world.config(), Topic::Catalog);
    let path = "/products/BANK%20CHARGES";

    let (status, made) = world.put(path, body("MUG", 255)).await;
    assert_eq!(status, 201);
    let expected = |name: &str, minor: i64, version: i64| json!({"sku": "BANK CHARGES", "name": name, "unit_price": {"minor": minor, "currency": "GBP"}, "version": version});
    assert_eq!(made, expected("MUG", 255, 1));
    assert_eq!(world.level("BANK%20CHARGES").await, (0, 0));
    assert_eq!(world.put(path, body("MUG", 255)).await, (200.try_into().unwrap(), expected("MUG", 255, 1)));
    assert_eq!(world.put(path, body("MUG", 300)).await, (200.try_into().unwrap(), expected("MUG", 300, 2)));
    assert_eq!(world.put(path, body("CUP", 300)).await, (200.try_into().unwrap(), expected("CUP", 300, 3)));
    assert_eq!(world.get(path).await, (200.try_into().unwrap(), expected("CUP", 300, 3)));
    world.put("/products/Z", body("LAST", 1)).await;

    let published = until("four events", async || Some(catalogue.seen()).filter(|seen| seen.len() >= 4)).await;
    let told: Vec<(String, String, i64, i64)> = published
        .iter()
        .map(|message| {
            assert_eq!(message.event_type.as_deref(), Some(ProductUpserted::TYPE));
            let product: ProductUpserted = message.decode().unwrap();
            assert_eq!(message.key, product.sku.as_str());
            (product.sku.to_string(), product.name, product.unit_price.minor, product.version)
        })
        .collect();
    let told: Vec<_> = told.iter().map(|(sku, name, minor, version)| (&**sku, &**name, *minor, *version)).collect();
    let expected = [
        ("BANK CHARGES", "MUG", 255, 1),
        ("BANK CHARGES", "MUG", 300, 2),
        ("BANK CHARGES", "CUP", 300, 3),
        ("Z", "LAST", 1, 1),
    ];
    assert_eq!(told, expected);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_is_paged_by_sku() {
    let world = World::start().await;
    let skus = ["a", "B", "A", "10 B", "_", "10"];
    world.stock_up(&skus.map(|sku| (sku, 0))).await;
    let mut met = Vec::new();
    let mut cursor = String::new();
    for page in 0.. {
        let (status, list) = world.get(&format!("/products?limit=2{cursor}")).await;
        assert_eq!(status, 200, "{list}");
        met.extend(list["items"].as_array().unwrap().iter().map(|item| item["sku"].as_str().unwrap().to_owned()));
        match list["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={}", next.replace(' ', "%20")),
            None => {
                assert_eq!(page, 2);
                break;
            }
        }
    }
    assert_eq!(met, ["10", "10 B", "A", "B", "_", "a"]);
    let (_, all) = world.get("/products").await;
    assert_eq!((all["items"].as_array().unwrap().len(), &all["next_cursor"]), (6, &json!(null)));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_puts_of_one_product_at_once_make_it_once() {
    let world = World::start().await;
    let catalogue = follow(&world.config(), Topic::Catalog);
    let puts = (0..20).map(|_| world.put("/products/A", body("MUG", 255)));
    let answers = futures::future::join_all(puts).await;
    assert_eq!(answers.iter().filter(|(status, _)| *status == 201).count(), 1);
    assert!(answers.iter().all(|(_, product)| product["version"] == 1), "{answers:?}");
    world.put("/products/B", body("MUG", 255)).await;
    until("two events", async || Some(()).filter(|()| catalogue.seen().len() >= 2)).await;
    let keys: Vec<_> = catalogue.seen().into_iter().map(|message| message.key).collect();
    assert_eq!(keys, ["A", "B"]);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_api_describes_itself_and_counts() {
    let world = World::start().await;
    let (status, description) = world.get("/openapi.json").await;
    assert_eq!(status, 200);
    let paths: Vec<_> = description["paths"].as_object().unwrap().keys().cloned().collect();
    let expected = [
        "/products",
        "/products/{sku}",
        "/reservations",
        "/reservations/{order_id}",
        "/reservations/{order_id}/confirm",
        "/stock",
        "/stock/{sku}",
        "/stock/{sku}/adjustments",
    ];
    assert_eq!(paths, expected);
    let (status, health) = world.get("/readyz").await;
    assert_eq!((status.as_u16(), &health["ready"]), (200, &json!(true)), "{health}");
    world.end().await;
}

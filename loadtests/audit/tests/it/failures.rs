//! What can't be read.

use std::time::Duration;

use audit::{AuditError, Database, Source, audit};

use crate::world::{self, World};

#[tokio::test(flavor = "multi_thread")]
async fn tables_that_are_missing_mean_that_a_service_has_not_started() {
    let mut world = World::new().await;
    world.in_order("ALTER TABLE idempotency RENAME TO was_idempotency").await;
    let error = world.audit(Duration::ZERO).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the order database has no table idempotency: the order service makes its tables when it starts, and has not \
         started here yet"
    );
    world.in_order("ALTER TABLE was_idempotency RENAME TO idempotency").await;

    world.source.inventory_database = world::bare().await.0.inventory_database;
    let error = world.audit(Duration::ZERO).await.unwrap_err();
    let expected = ["reservations", "stock", "stock_adjustments", "outbox"];
    assert!(matches!(error, AuditError::NoTables { database: Database::Inventory, missing } if missing == expected));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_said_without_saying_it() {
    let mut world = World::new().await;
    world.source.order_database = with_password(&world.source.order_database, "hush-hush");
    let error = world.audit(Duration::ZERO).await.unwrap_err();
    assert!(matches!(error, AuditError::Connect { database: Database::Order, .. }), "{error}");
    assert!(error.to_string().starts_with("can't connect to the order database: "), "{error}");
    for text in [error.to_string(), format!("{error:?}")] {
        assert!(!text.contains("hush-hush"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_that_is_none_is_not_quoted() {
    for url in
        ["mysql://auditor:hush-hush@localhost/orders", "postgres://auditor:hush-hush/x@localhost/orders", "hush-hush"]
    {
        let source = Source { order_database: url.into(), inventory_database: url.into(), kafka: "localhost:1".into() };
        let error = audit(&source, &[], Duration::ZERO).await.unwrap_err();
        assert!(matches!(error, AuditError::Url { .. }), "{error}");
        assert!(!format!("{error} {error:?} {source:?}").contains("hush"), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_makes_no_sense_is_named_by_its_order() {
    let world = World::new().await;
    let id = world.orders.other;
    world.in_order(format!("UPDATE orders SET lines = '[{{\"sku\": \"A\"}}]' WHERE id = '{id}'")).await;
    let error = world.audit(Duration::ZERO).await.unwrap_err();
    let begin = format!("the order database: the row of orders for order {id} can't be read: ");
    assert!(error.to_string().starts_with(&begin), "{error}");
    assert!(error.to_string().contains("missing field `quantity`"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn kafka_that_does_not_answer_is_named() {
    let mut world = World::new().await;
    world.source.kafka = "127.0.0.1:1".into();
    let error = world.audit(Duration::ZERO).await.unwrap_err();
    assert!(error.to_string().starts_with("Kafka at 127.0.0.1:1 does not tell how many dead letters"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_that_are_missing_are_no_empty_topics() {
    let mut world = World::new().await;
    world.prefix = local::testing::prefix();
    let error = world.audit(Duration::ZERO).await.unwrap_err();
    assert!(matches!(error, AuditError::Kafka { .. }), "{error}");
}

fn with_password(url: &str, password: &str) -> String {
    let (before, host) = url.rsplit_once('@').unwrap();
    let (role, _) = before.rsplit_once(':').unwrap();
    format!("{role}:{password}@{host}")
}

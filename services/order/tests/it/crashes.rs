//! The process dies where it hurts, and is started again.

use std::process::Command;

use contracts::{
    event::{OrderConfirmed, OrderPlaced},
    order::OrderStatus,
};

use crate::shop::{Process, Shop, until, wanted};

#[tokio::test(flavor = "multi_thread")]
async fn an_order_survives_the_death_of_the_relay_before_and_after_sending() {
    for point in ["relay.before-send", "relay.acknowledged"] {
        let shop = Shop::open().await;
        let news = shop.news();
        let mut dying = Process::start(&shop, Some(point)).await;
        // The answer may be lost with the process; the key finds the order again.
        let key = [("Idempotency-Key", "k")];
        let request = dying.client.request(reqwest::Method::POST, "/orders").json(&wanted(&[("A", 1)]));
        let _ = request.header(key[0].0, key[0].1).send().await;
        dying.ended().await;

        let next = Process::start(&shop, None).await;
        let order = next.client.post(&wanted(&[("A", 1)]), &key).await.order(202);
        let placed: OrderPlaced = news.first(order.id).await;
        assert_eq!(placed.lines, order.lines, "{point}");
        assert_eq!(shop.number("SELECT count(*) FROM orders").await, 1, "{point}");
        until("the outbox to be empty", || async {
            (shop.number("SELECT count(*) FROM outbox").await == 0).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_survives_the_death_of_its_taker_before_and_after_the_commit() {
    for point in ["consumer.before-commit", "consumer.handled"] {
        let shop = Shop::open().await;
        let news = shop.news();
        let mut dying = Process::start(&shop, Some(point)).await;
        let order = dying.client.place(&[("A", 1)]).await;
        shop.inventory.reserves(&order).await;
        dying.ended().await;
        let decided = shop.number("SELECT count(*) FROM orders WHERE status = 1").await;
        assert_eq!(decided, i64::from(point == "consumer.handled"), "{point}");

        let next = Process::start(&shop, None).await;
        next.client.until(order.id, OrderStatus::Confirmed).await;
        news.first::<OrderConfirmed>(order.id).await;
        until("the outbox to be empty", || async {
            (shop.number("SELECT count(*) FROM outbox").await == 0).then_some(())
        })
        .await;
        assert_eq!(news.about::<OrderConfirmed>(order.id).len(), 1, "{point}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_asked_to_end_finishes_what_it_has_in_hand() {
    let shop = Shop::open().await;
    let mut process = Process::start(&shop, None).await;
    let client = process.client.clone();
    let waiting = tokio::spawn(async move { client.post(&wanted(&[("A", 1)]), &[("Prefer", "wait=30")]).await });
    until("the order", || async { (shop.number("SELECT count(*) FROM orders").await == 1).then_some(()) }).await;
    let ended = Command::new("kill").args(["-TERM", &process.id().to_string()]).status().unwrap();
    assert!(ended.success());
    waiting.await.unwrap().order(202);
    let status = process.ended().await;
    assert!(status.success(), "{status}");
    assert_eq!(shop.number("SELECT count(*) FROM outbox").await, 0);
}

//! Lists of orders.

use std::collections::HashSet;

use contracts::{
    OrderId,
    order::{Order, OrderStatus},
    page::Page,
};
use serde_json::json;

use crate::shop::{Client, Shop};

#[tokio::test(flavor = "multi_thread")]
async fn pages_follow_each_other_in_the_order_of_placing() {
    let shop = Shop::open().await;
    let order_service = shop.instance().await;
    let mut placed = Vec::new();
    for _ in 0..7 {
        placed.push(order_service.place(&[("A", 1)]).await);
    }
    let first: Page<Order> = order_service.get("/orders?limit=3").await.json();
    assert_eq!(first.items, placed[..3]);
    let second: Page<Order> =
        order_service.get(&format!("/orders?limit=4&cursor={}", first.next_cursor.unwrap())).await.json();
    assert_eq!(second.items, placed[3..]);
    assert_eq!(second.next_cursor, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_apply_together() {
    let shop = Shop::open().await;
    let order_service = shop.instance().await;
    let mut orders = Vec::new();
    for n in 0..6 {
        let body = json!({"customer_id": format!("c{}", n % 2), "lines": [{"sku": "A", "quantity": 1}]});
        orders.push(order_service.post(&body, &[]).await.order(202));
    }
    for order in &orders[..2] {
        shop.inventory.reserves(order).await;
        order_service.until(order.id, OrderStatus::Confirmed).await;
    }
    let middle = orders[2].placed_at;
    let expected = [
        ("customer_id=c0".to_owned(), vec![0, 2, 4]),
        ("customer_id=nobody".to_owned(), vec![]),
        ("status=CONFIRMED".to_owned(), vec![0, 1]),
        ("status=REJECTED".to_owned(), vec![]),
        ("status=PENDING&customer_id=c1".to_owned(), vec![3, 5]),
        (format!("placed_after={middle}"), vec![3, 4, 5]),
        (format!("placed_after={middle}&customer_id=c1&status=PENDING"), vec![3, 5]),
        ("placed_after=1901-01-01T00:00:00Z".to_owned(), vec![0, 1, 2, 3, 4, 5]),
        ("placed_after=2999-01-01T00:00:00%2B01:00".to_owned(), vec![]),
    ];
    for (filters, numbers) in expected {
        let wanted: Vec<OrderId> = numbers.into_iter().map(|n: usize| orders[n].id).collect();
        assert_eq!(all(&order_service, &filters, 1000).await, wanted, "{filters}");
        assert_eq!(all(&order_service, &filters, 1).await, wanted, "{filters}, one by one");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_pages_while_orders_arrive_meets_each_once() {
    let shop = Shop::open().await;
    let order_service = shop.instance().await;
    let client = order_service.client.clone();
    let placing = tokio::spawn(async move {
        let mut placed = Vec::new();
        for _ in 0..60 {
            placed.push(client.place(&[("A", 1)]).await.id);
        }
        placed
    });
    // One place in the list after the other: what is placed one after the other can't appear behind a cursor.
    let (mut met, mut behind) = (Vec::new(), String::new());
    while met.len() < 60 {
        let page: Page<Order> = order_service.get(&format!("/orders?limit=7{behind}")).await.json();
        met.extend(page.items.iter().map(|order| order.id));
        if let Some(last) = met.last() {
            behind = format!("&cursor={last}");
        }
    }
    assert_eq!(met, placing.await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rare_status_is_found_among_many_orders() {
    let shop = Shop::open().await;
    let order_service = shop.instance().await;
    // More than two windows of orders that are decided, and then two that are not.
    sqlx::query(
        "INSERT INTO orders (id, status, lines, total_minor, currency, placed_at, decided_at)
         SELECT lpad(to_hex(n), 32, '0')::uuid, 1, '[]', 1, 'GBP', now(), now() FROM generate_series(1, 45000) AS n",
    )
    .execute(&shop.database)
    .await
    .unwrap();
    let pending = [order_service.place(&[("A", 1)]).await.id, order_service.place(&[("A", 1)]).await.id];
    assert_eq!(all(&order_service, "status=PENDING", 1000).await, pending);
    assert_eq!(all(&order_service, "status=PENDING", 1).await, pending);
    let confirmed = all(&order_service, "status=CONFIRMED", 1000).await;
    assert_eq!((confirmed.len(), confirmed.iter().collect::<HashSet<_>>().len()), (45_000, 45_000));
}

/// The ids of all orders of a list, page by page.
async fn all(client: &Client, filters: &str, limit: u16) -> Vec<OrderId> {
    let (mut ids, mut cursor) = (Vec::new(), String::new());
    loop {
        let answer = client.get(&format!("/orders?{filters}&limit={limit}{cursor}")).await;
        assert_eq!(answer.status, 200, "{answer}");
        let page: Page<Order> = answer.json();
        assert!(page.items.len() <= usize::from(limit));
        ids.extend(page.items.into_iter().map(|order| order.id));
        match page.next_cursor {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return ids,
        }
    }
}

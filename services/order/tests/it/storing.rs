//! Storing orders, and trying that again.

use std::time::Duration;

use contracts::{
    Currency, Money, OrderLine,
    consistency::{Demand, Level, Written},
};
use coordination::settings::Setting;
use order::{
    domain::{Claim, Draft, Fingerprint, NewOrder},
    store::{Attempt, Placement, Store},
};
use service::config::Databases;

use crate::shop::{Shop, quantity};

fn order(key: Option<&str>, pieces: i64) -> NewOrder {
    let unit_price = Money { minor: 255, currency: Currency::GBP };
    let lines = vec![OrderLine { sku: "A".parse().unwrap(), quantity: quantity(pieces), unit_price }];
    let draft = Draft { customer_id: None, lines, total: unit_price };
    let claim = key.map(|key| Claim { key: key.to_owned(), fingerprint: Fingerprint::of(&draft) });
    NewOrder::place(draft, claim, Default::default())
}

async fn store(shop: &Shop) -> Store {
    let primary = shop.variables()["PLUMBLINE_DATABASE_URL"].parse().unwrap();
    let store = Store::new(&Databases { primary, replica: None }, 2, &Setting::fixed(Duration::ZERO));
    store.prepare().await.unwrap();
    store
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_stored_by_a_try_that_seemed_to_fail_is_not_stored_again() {
    let shop = Shop::open().await;
    let store = store(&shop).await;
    let mut writer = store.writer();
    let (before, now) =
        ([boxed(order(Some("k"), 1)), boxed(order(None, 1))], [boxed(order(Some("l"), 1)), boxed(order(None, 1))]);
    let first = writer.place(&before, Attempt::First, None).await.unwrap();
    assert_eq!(first.value, [Placement::Stored, Placement::Stored]);
    // The same orders again, with others that were not stored yet.
    let all: Vec<_> = before.iter().chain(&now).cloned().collect();
    let Written { value: placements, position } = writer.place(&all, Attempt::Again, None).await.unwrap();
    let stored = store.order(all[0].0.id(), &Demand::new(Level::Strong, None)).await.unwrap();
    let stored_at = Written::new(stored.value.unwrap(), stored.served.shows);
    assert_eq!(placements[0], Placement::Repeated(Box::new(stored_at)));
    assert!(stored.served.shows == first.position && position > first.position, "{first:?} {position}");
    assert_eq!(placements[1..], [Placement::Stored, Placement::Stored, Placement::Stored]);
    assert_eq!(shop.number("SELECT count(*) FROM orders").await, 4);
    assert_eq!(shop.number("SELECT sum(message_count) FROM outbox").await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_equal_keys_in_one_transaction_the_first_wins() {
    let shop = Shop::open().await;
    let store = store(&shop).await;
    let orders = [
        boxed(order(Some("k"), 1)),
        boxed(order(Some("k"), 1)),
        boxed(order(Some("k"), 2)),
        boxed(order(Some("a"), 1)),
    ];
    let placements = store.writer().place(&orders, Attempt::First, None).await.unwrap().value;
    assert_eq!(
        (&placements[0], &placements[2], &placements[3]),
        (&Placement::Stored, &Placement::KeyTaken, &Placement::Stored)
    );
    assert!(matches!(&placements[1], Placement::Repeated(first) if first.value.id == orders[0].0.id()));
    assert_eq!(shop.number("SELECT count(*) FROM orders").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions_with_the_same_keys_wait_for_each_other_and_never_deadlock() {
    let shop = Shop::open().await;
    let store = store(&shop).await;
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let mut writer = store.writer();
            tokio::spawn(async move {
                for round in 0..10 {
                    let mut orders: Vec<_> = (0..20).map(|n| boxed(order(Some(&format!("{round}-{n}")), 1))).collect();
                    // Each comes in an order of its own.
                    orders.sort_by_key(|order| order.0.id().bucket(u16::MAX));
                    writer.place(&orders, Attempt::First, None).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(shop.number("SELECT count(*) FROM orders").await, 200);
    assert_eq!(shop.number("SELECT sum(message_count) FROM outbox").await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_updates_the_row_on_its_page_and_touches_no_index() {
    let shop = Shop::open().await;
    let order_service = shop.instance().await;
    let mut orders = Vec::new();
    for _ in 0..50 {
        orders.push(order_service.place(&[("A", 1)]).await);
    }
    for order in &orders {
        shop.inventory.reserves(order).await;
    }
    for order in &orders {
        order_service.until(order.id, contracts::order::OrderStatus::Confirmed).await;
    }
    let updates = "SELECT n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'orders' AND n_tup_upd = 50";
    let on_their_page: i64 = crate::shop::until("the statistics", || async {
        sqlx::query_scalar(updates).fetch_optional(&shop.database).await.unwrap()
    })
    .await;
    assert!(on_their_page >= 45, "{on_their_page} of 50");
}

/// What waits to be stored is more than the order.
#[derive(Clone)]
struct Boxed(NewOrder);

fn boxed(order: NewOrder) -> Boxed {
    Boxed(order)
}

impl AsRef<NewOrder> for Boxed {
    fn as_ref(&self) -> &NewOrder {
        &self.0
    }
}

//! What inventory says, said by a test: real events, through a real outbox and its relay, to Kafka.

use contracts::{
    Currency, Lacking, Money, OrderId, Quantity, StockLine, Timestamp,
    event::{Event, Hops, ProductUpserted, ReleaseReason, StockRejected, StockReleased, StockReserved},
    order::Order,
};
use messaging::{Topics, outbox, relay};
use sqlx::PgPool;

use super::{servers::Servers, until};

pub(crate) struct Inventory {
    database: PgPool,
    relay: relay::Handle,
}

impl Inventory {
    pub(super) async fn open(servers: &Servers, topics: &Topics) -> Self {
        let url = servers.new_database("inventory").await;
        let database = PgPool::connect(&url).await.unwrap();
        sqlx::raw_sql(messaging::SCHEMA).execute(&database).await.unwrap();
        let relay = relay::start(relay::Config::new(&servers.kafka, topics.clone(), url.parse().unwrap()));
        Self { database, relay }
    }

    /// Publishes an event. All of one key in one bucket, so their order is kept.
    pub(crate) async fn say<E: Event>(&self, event: &E) {
        self.say_garbled(event, |_| {}).await;
    }

    /// Publishes an event after its frame was garbled.
    pub(crate) async fn say_garbled<E: Event>(&self, event: &E, garble: impl FnOnce(&mut [u8])) {
        let mut transaction = self.database.begin().await.unwrap();
        let mut events = outbox::Batch::new("/plumbline/inventory");
        events.push(0, event, None);
        events.write(&mut transaction).await.unwrap();
        let (id, mut frame): (i64, Vec<u8>) =
            sqlx::query_as("SELECT id, messages FROM outbox ORDER BY id DESC LIMIT 1")
                .fetch_one(&mut *transaction)
                .await
                .unwrap();
        garble(&mut frame);
        sqlx::query("UPDATE outbox SET messages = $2 WHERE id = $1")
            .bind(id)
            .bind(frame)
            .execute(&mut *transaction)
            .await
            .unwrap();
        transaction.commit().await.unwrap();
        self.relay.waker().wake();
    }

    /// Waits until Kafka has everything that was said.
    pub(crate) async fn all_told(&self) {
        until("Kafka to take what inventory says", || async {
            let left: i64 = sqlx::query_scalar("SELECT count(*) FROM outbox").fetch_one(&self.database).await.unwrap();
            (left == 0).then_some(())
        })
        .await;
    }

    pub(crate) async fn sells(&self, sku: &str, minor: i64) {
        self.say(&ProductUpserted {
            sku: sku.parse().unwrap(),
            name: format!("THING {sku}"),
            unit_price: Money { minor, currency: Currency::GBP },
            version: 1,
        })
        .await;
    }

    pub(crate) async fn reserves(&self, order: &Order) -> StockReserved {
        let lines =
            order.lines.iter().map(|line| StockLine { sku: line.sku.clone(), quantity: line.quantity }).collect();
        let event = StockReserved { order_id: order.id, lines, hops: hops(order) };
        self.say(&event).await;
        event
    }

    /// Rejects the order: of its first line, nothing is available.
    pub(crate) async fn rejects(&self, order: &Order) -> StockRejected {
        let line = &order.lines[0];
        let lacking = vec![Lacking { sku: line.sku.clone(), requested: line.quantity, available: 0 }];
        let event = StockRejected { order_id: order.id, lacking, hops: hops(order) };
        self.say(&event).await;
        event
    }

    pub(crate) async fn releases(&self, id: OrderId, reason: ReleaseReason) -> StockReleased {
        let event = StockReleased { order_id: id, reason, released_at: Timestamp::now() };
        self.say(&event).await;
        event
    }
}

/// Published 2 ms after the placing, received 1 ms and decided 2 ms later.
pub(crate) fn hops(order: &Order) -> Hops {
    let after = |millis: i64| Timestamp::from_unix_micros(order.placed_at.unix_micros() + millis * 1_000).unwrap();
    Hops { published_at: after(2), received_at: after(3), decided_at: after(5) }
}

pub(crate) fn quantity(number: i64) -> Quantity {
    Quantity::try_from(number).unwrap()
}

//! Orders in every final status, with all that belongs to them.

use audit::Acknowledged;
use contracts::OrderId;
use serde_json::{Value, json};
use sqlx::PgPool;

/// Products, what one costs in pence, and the adjustments of their stock.
const PRODUCTS: [(&str, i64, &[i64]); 3] = [("A", 255, &[10, -2]), ("B", 100, &[5]), ("C", 10, &[3])];

/// An order's reservation, decided so many minutes after the first.
const DECIDE: &str = "INSERT INTO reservations (order_id, status, lines, decided_at)
     VALUES ($1, $2, $3, '2010-12-01T08:26:00Z'::timestamptz + make_interval(mins => $4))";

const PLACE: &str = "INSERT INTO orders (id, status, lines, total_minor, currency, placed_at, rejection)
     VALUES ($1, $2, $3, $4, 'GBP', '2010-12-01T08:26:00Z', $5)";

pub(crate) struct Orders {
    /// CONFIRMED: 2 A and 1 B.
    pub(crate) confirmed: OrderId,
    /// CONFIRMED too: 1 A.
    pub(crate) other: OrderId,
    /// REJECTED: of 9 C there were 3.
    pub(crate) rejected: OrderId,
    /// REJECTED: its reservation of 1 B expired. The driver had no answer for it.
    pub(crate) expired: OrderId,
    /// CANCELLED: 1 A were reserved for it.
    pub(crate) cancelled: OrderId,
    /// CANCELLED before inventory had less than its 9 C. It was placed without a key.
    pub(crate) unkeyed: OrderId,
}

impl Default for Orders {
    fn default() -> Self {
        let [confirmed, other, rejected, expired, cancelled, unkeyed] = [0; 6].map(|_| OrderId::generate());
        Self { confirmed, other, rejected, expired, cancelled, unkeyed }
    }
}

impl Orders {
    /// Stores all of them, and says what the driver noted.
    pub(super) async fn store(&self, order: &PgPool, inventory: &PgPool) -> Vec<Acknowledged> {
        stock(inventory).await;
        let lacked = json!({"reason": "insufficient_stock", "lines": [{"sku": "C", "requested": 9, "available": 3}]});
        let expired = json!({"reason": "reservation_expired"});
        let all = [
            (self.confirmed, 1, lines(&[("A", 2), ("B", 1)]), 610, None, 1),
            (self.other, 1, lines(&[("A", 1)]), 255, None, 1),
            (self.rejected, 2, lines(&[("C", 9)]), 90, Some(lacked.clone()), 2),
            (self.expired, 2, lines(&[("B", 1)]), 100, Some(expired), 3),
            (self.cancelled, 3, lines(&[("A", 1)]), 255, None, 3),
            (self.unkeyed, 3, lines(&[("C", 9)]), 90, Some(lacked), 2),
        ];
        for (minutes, (id, status, lines, total, rejection, reservation)) in (0..).zip(all) {
            let placed = sqlx::query(PLACE).bind(id.as_uuid()).bind(status).bind(&lines).bind(total).bind(rejection);
            placed.execute(order).await.unwrap();
            decide(id, reservation, &lines, minutes, inventory).await;
        }
        self.acknowledge(order).await
    }

    async fn acknowledge(&self, order: &PgPool) -> Vec<Acknowledged> {
        let keyed = [self.confirmed, self.other, self.rejected, self.expired, self.cancelled];
        let mut notes = Vec::new();
        for (n, id) in keyed.into_iter().enumerate() {
            let key = format!("r1-{n}");
            sqlx::query("INSERT INTO idempotency (key, body_hash, order_id) VALUES ($1, '', $2)")
                .bind(&key)
                .bind(id.as_uuid())
                .execute(order)
                .await
                .unwrap();
            notes.push(Acknowledged { run: "r1".into(), id: (id != self.expired).then_some(id), key });
        }
        notes.push(Acknowledged { run: "r1".into(), id: None, key: "r1-lost".into() });
        notes
    }
}

/// A CONFIRMED order of so many A.
pub(super) async fn confirm(id: OrderId, pieces: i32, minutes: i32, order: &PgPool, inventory: &PgPool) {
    let lines = lines(&[("A", pieces.into())]);
    let placed = sqlx::query(PLACE).bind(id.as_uuid()).bind(1).bind(&lines).bind(255 * pieces).bind(None::<Value>);
    placed.execute(order).await.unwrap();
    decide(id, 1, &lines, minutes, inventory).await;
}

async fn decide(id: OrderId, status: i32, lines: &Value, minutes: i32, inventory: &PgPool) {
    let decided = sqlx::query(DECIDE).bind(id.as_uuid()).bind(status).bind(without_prices(lines)).bind(minutes);
    decided.execute(inventory).await.unwrap();
}

async fn stock(inventory: &PgPool) {
    for (sku, price, deltas) in PRODUCTS {
        sqlx::query("INSERT INTO products (sku, name, price_minor, currency, version) VALUES ($1, $1, $2, 'GBP', 1)")
            .bind(sku)
            .bind(price)
            .execute(inventory)
            .await
            .unwrap();
        sqlx::query("INSERT INTO stock (sku) VALUES ($1)").bind(sku).execute(inventory).await.unwrap();
        sqlx::query(
            "INSERT INTO stock_adjustments
                (id, sku, delta, reason, available_after, reserved_after, version_after, adjusted_at)
             SELECT gen_random_uuid(), $1, delta, 'count', 0, 0, 0, now() FROM unnest($2::bigint[]) AS delta",
        )
        .bind(sku)
        .bind(deltas)
        .execute(inventory)
        .await
        .unwrap();
    }
}

fn lines(wanted: &[(&str, i64)]) -> Value {
    let price = |sku: &str| PRODUCTS.iter().find(|(known, ..)| *known == sku).unwrap().1;
    let line = |(sku, quantity): &(&str, i64)| {
        let unit_price = json!({"minor": price(sku), "currency": "GBP"});
        json!({"sku": sku, "quantity": quantity, "unit_price": unit_price})
    };
    wanted.iter().map(line).collect()
}

fn without_prices(lines: &Value) -> Value {
    let line = |line: &Value| json!({"sku": line["sku"], "quantity": line["quantity"]});
    lines.as_array().unwrap().iter().map(line).collect()
}

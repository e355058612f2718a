//! All there is about each order, from both databases, merged by order id.

use contracts::OrderId;
use sqlx::{Row as _, postgres::PgRow};

use super::{
    Snapshot,
    pages::{Pages, Walk},
    rows,
};
use crate::{
    AuditError,
    case::{Case, Order, Reservation},
};

/// Served by the primary key.
const ORDERS: Walk<Order> = Walk {
    table: "orders",
    declare: "DECLARE audited_orders NO SCROLL CURSOR FOR
        SELECT id, status, placed_at, lines, total_minor, currency, rejection FROM orders ORDER BY id",
    fetch: "FETCH 1000 FROM audited_orders",
    read: rows::order,
};

/// Sorted, once a look: no service asks for the keys of an order, so no index is kept for that.
const KEYS: Walk<String> = Walk {
    table: "idempotency",
    declare: "DECLARE audited_keys NO SCROLL CURSOR FOR SELECT order_id, key FROM idempotency ORDER BY order_id, key",
    fetch: "FETCH 1000 FROM audited_keys",
    read: key,
};

/// Served by the primary key.
const RESERVATIONS: Walk<Reservation> = Walk {
    table: "reservations",
    declare: "DECLARE audited_reservations NO SCROLL CURSOR FOR
        SELECT order_id, status, lines, direct FROM reservations ORDER BY order_id",
    fetch: "FETCH 1000 FROM audited_reservations",
    read: rows::reservation,
};

/// Every order id that stands anywhere, in their order. PostgreSQL sorts UUIDs as Rust does, by their bytes.
#[derive(Debug)]
pub(crate) struct Cases {
    orders: Pages<Order>,
    keys: Pages<String>,
    reservations: Pages<Reservation>,
}

impl Cases {
    /// # Errors
    /// Those of the databases.
    pub(crate) async fn open(order: &mut Snapshot<'_>, inventory: &mut Snapshot<'_>) -> Result<Self, AuditError> {
        Ok(Self {
            orders: Pages::open(ORDERS, order).await?,
            keys: Pages::open(KEYS, order).await?,
            reservations: Pages::open(RESERVATIONS, inventory).await?,
        })
    }

    /// The next case, from the snapshots that were given to [`open`](Self::open).
    ///
    /// # Errors
    /// Those of the databases, and when a row can't be read.
    pub(crate) async fn next(
        &mut self,
        order: &mut Snapshot<'_>,
        inventory: &mut Snapshot<'_>,
    ) -> Result<Option<Case>, AuditError> {
        let heads: [Option<OrderId>; 3] =
            [self.orders.head(order).await?, self.keys.head(order).await?, self.reservations.head(inventory).await?];
        let Some(id) = heads.into_iter().flatten().min() else { return Ok(None) };
        let mut case =
            Case { id, order: self.orders.take(id), reservation: self.reservations.take(id), keys: Vec::new() };
        while self.keys.head(order).await? == Some(id) {
            case.keys.extend(self.keys.take(id));
        }
        Ok(Some(case))
    }
}

fn key(row: &PgRow) -> Result<String, sqlx::Error> {
    row.try_get(1)
}

//! Reading orders by their ids.

use contracts::OrderId;
use uuid::Uuid;

use super::{
    Error, Store,
    rows::{OrderRow, order_columns},
};
use crate::domain::{Decision, StoredOrder};

/// Served by the primary key.
const ONE: &str = concat!("SELECT ", order_columns!(), " FROM orders WHERE id = $1");

/// Served by the primary key.
const DECIDED: &str = concat!("SELECT ", order_columns!(), " FROM orders WHERE id = ANY($1) AND status <> 0");

impl Store {
    /// The order of this id, or `None`.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn order(&self, id: OrderId) -> Result<Option<StoredOrder>, Error> {
        let row: Option<OrderRow> = sqlx::query_as(ONE).bind(id.as_uuid()).fetch_optional(&self.pool).await?;
        Ok(row.map(|OrderRow(order)| order))
    }

    /// The decisions about those of these orders that are no longer PENDING.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn decisions(&self, ids: &[OrderId]) -> Result<Vec<(OrderId, Decision)>, Error> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.as_uuid()).collect();
        let rows: Vec<OrderRow> = sqlx::query_as(DECIDED).bind(ids).fetch_all(&self.pool).await?;
        Ok(rows.into_iter().filter_map(|OrderRow(order)| Some((order.id, order.decision()?))).collect())
    }
}

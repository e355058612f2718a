//! Reading orders by their ids.

use contracts::{
    OrderId,
    consistency::{Answer, Demand, Written},
};
use messaging::{
    database::copies::{self, Found},
    sighted,
};
use sqlx::{FromRow as _, PgPool};
use uuid::Uuid;

use super::{
    Error, Store,
    rows::{OrderRow, order_columns},
};
use crate::domain::{Decision, StoredOrder};

/// Served by the primary key.
pub(super) const ONE: &str =
    sighted!("SELECT ", order_columns!(), ", orders.xmin AS written FROM orders WHERE id = $1");

/// Served by the primary key.
const DECIDED: &str = concat!(
    "SELECT ",
    order_columns!(),
    ", ",
    sighted!(row "orders"),
    " FROM orders WHERE id = ANY($1) AND status <> 0"
);

impl Store {
    /// The order of this id, or `None`.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn order(&self, id: OrderId, demand: &Demand) -> Result<Answer<Option<StoredOrder>>, Error> {
        let asking = async |copy: &PgPool| Found::one(&sqlx::query(ONE).bind(id.as_uuid()).fetch_one(copy).await?);
        let found = self.read(demand, asking).await?;
        Ok(found.map(|row| row.map(|OrderRow(order)| order)))
    }

    /// The decisions about those of these orders that are no longer PENDING.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn decisions(&self, ids: &[OrderId]) -> Result<Vec<(OrderId, Written<Decision>)>, Error> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.as_uuid()).collect();
        let rows = sqlx::query(DECIDED).bind(ids).fetch_all(&self.pool).await?;
        let decided = |row| {
            let (OrderRow(order), position) = (OrderRow::from_row(row)?, copies::shown(row)?);
            Ok(order.decision().map(|decision| (order.id, Written::new(decision, position))))
        };
        let decided: Result<Vec<_>, sqlx::Error> = rows.iter().map(decided).collect();
        Ok(decided?.into_iter().flatten().collect())
    }
}

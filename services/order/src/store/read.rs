//! Reading orders by their ids.

use contracts::{
    OrderId,
    consistency::{Answer, Demand, Written},
    order::Order,
};
use messaging::{
    database::copies::{self, Found},
    sighted,
};
use sqlx::{FromRow as _, PgPool};
use telemetry::context::TraceContext;
use uuid::Uuid;

use super::{
    Error, Store,
    rows::{OrderRow, order_columns},
    shelves::key,
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

/// A stored order as it is shown.
fn shown(answer: Answer<Option<StoredOrder>>) -> Answer<Option<Order>> {
    answer.map(|order| order.map(StoredOrder::into_order))
}

impl Store {
    /// The order of this id as it is shown, or `None`. What is read from the cache shows below `trace`.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn shown(
        &self,
        id: OrderId,
        demand: &Demand,
        trace: Option<TraceContext>,
    ) -> Result<Answer<Option<Order>>, Error> {
        let store = self.clone();
        let load = move |demand: Demand| {
            let store = store.clone();
            async move { store.order(id, &demand).await.map(shown) }
        };
        self.orders.read(&key(id), *demand, trace, load).await
    }

    /// The order of this id, or `None`, with all that is stored of it.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn order(&self, id: OrderId, demand: &Demand) -> Result<Answer<Option<StoredOrder>>, Error> {
        let asking =
            |copy: PgPool| async move { Found::one(&sqlx::query(ONE).bind(id.as_uuid()).fetch_one(&copy).await?) };
        let found = self.copies.read(demand, asking).await?;
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

//! Cancelling an order.

use contracts::{OrderId, Timestamp, event::OrderCancelled};
use messaging::{BUCKETS, outbox};
use telemetry::context::TraceContext;

use super::{
    Error, Store,
    rows::{OrderRow, order_columns},
};
use crate::{
    SOURCE,
    domain::{Cancellation, StoredOrder},
};

/// Served by the primary key.
const LOCK: &str = concat!("SELECT ", order_columns!(), " FROM orders WHERE id = $1 FOR UPDATE");

/// Served by the primary key.
const CANCEL: &str =
    concat!("UPDATE orders SET status = 3, cancelled_at = $2 WHERE id = $1 RETURNING ", order_columns!());

impl Store {
    /// Cancels an order and writes the event of it, in one transaction, when that is due. Answers what was due, and
    /// the order as it is now; `None` when there is no such order.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn cancel(
        &self,
        id: OrderId,
        now: Timestamp,
        trace: Option<TraceContext>,
    ) -> Result<Option<(Cancellation, StoredOrder)>, Error> {
        let mut transaction = self.pool.begin().await?;
        let locked: Option<OrderRow> =
            sqlx::query_as(LOCK).bind(id.as_uuid()).fetch_optional(&mut *transaction).await?;
        let Some(OrderRow(order)) = locked else { return Ok(None) };
        let cancellation = order.cancellation();
        if cancellation != Cancellation::Due {
            return Ok(Some((cancellation, order)));
        }
        let OrderRow(cancelled) =
            sqlx::query_as(CANCEL).bind(id.as_uuid()).bind(now.as_offset()).fetch_one(&mut *transaction).await?;
        let mut events = outbox::Batch::new(SOURCE);
        events.push(id.bucket(BUCKETS), &OrderCancelled { order_id: id, cancelled_at: now }, trace);
        events.write(&mut transaction).await?;
        transaction.commit().await?;
        Ok(Some((Cancellation::Due, cancelled)))
    }
}

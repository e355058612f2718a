//! Cancelling an order.

use std::time::Instant;

use contracts::{OrderId, Timestamp, event::OrderCancelled};
use messaging::{BUCKETS, outbox};
use sqlx::Connection as _;
use telemetry::{
    context::Carried,
    names::{shop, wait},
    spans::{self, Span, in_statement},
};

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
        carried: Carried,
    ) -> Result<Option<(Cancellation, StoredOrder)>, Error> {
        let mut span = begin_span(id, &carried);
        let done = self.cancel_in(&mut span, id, now, carried).await;
        match &done {
            Err(error) => span.fail("database", error),
            Ok(None) => span.set(shop::OUTCOME, "unknown"),
            Ok(Some((cancellation, _))) => span.set(shop::OUTCOME, cancellation.name()),
        }
        Ok(done?)
    }

    async fn cancel_in(
        &self,
        span: &mut Span,
        id: OrderId,
        now: Timestamp,
        carried: Carried,
    ) -> Result<Option<(Cancellation, StoredOrder)>, sqlx::Error> {
        let (trace, began) = (span.context(), Instant::now());
        let mut connection = self.pool.acquire().await?;
        span.set(wait::POOL, began.elapsed());
        let mut transaction = connection.begin().await?;
        let locking = sqlx::query_as(LOCK).bind(id.as_uuid()).fetch_optional(&mut *transaction);
        let locked: Option<OrderRow> = in_statement("SELECT orders FOR UPDATE", trace, locking).await?;
        let Some(OrderRow(order)) = locked else { return Ok(None) };
        let cancellation = order.cancellation();
        if cancellation != Cancellation::Due {
            return Ok(Some((cancellation, order)));
        }
        let cancelling = sqlx::query_as(CANCEL).bind(id.as_uuid()).bind(now.as_offset()).fetch_one(&mut *transaction);
        let OrderRow(cancelled) = in_statement("UPDATE orders", trace, cancelling).await?;
        let mut events = outbox::Batch::new(SOURCE);
        events.push(id.bucket(BUCKETS), &OrderCancelled { order_id: id, cancelled_at: now }, carried);
        in_statement("INSERT outbox", trace, events.write(&mut transaction)).await?;
        in_statement("COMMIT", trace, transaction.commit()).await?;
        Ok(Some((Cancellation::Due, cancelled)))
    }
}

/// The span of the transaction, below the request's.
fn begin_span(id: OrderId, carried: &Carried) -> Span {
    let mut span = spans::transaction("cancel order", carried.trace);
    if span.is_recording() {
        span.set(shop::ORDER_ID, &id.to_string());
    }
    span
}

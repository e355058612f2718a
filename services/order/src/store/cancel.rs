//! Cancelling an order.

use std::time::Instant;

use contracts::{OrderId, Timestamp, consistency::Written, event::OrderCancelled};
use messaging::{
    BUCKETS,
    database::copies::{Found, Writing},
    outbox, sighted,
};
use sqlx::{Connection as _, FromRow as _};
use telemetry::{
    context::Carried,
    names::{shop, wait},
    spans::{self, Span, in_statement},
};

use super::{
    Error, Store,
    read::ONE,
    rows::{OrderRow, order_columns},
    shelves,
};
use crate::{
    SOURCE,
    domain::{Cancellation, StoredOrder},
};

/// Served by the primary key.
const LOCK: &str = concat!("SELECT ", order_columns!(), " FROM orders WHERE id = $1 FOR UPDATE");

/// Served by the primary key.
const CANCEL: &str = concat!(
    "UPDATE orders SET status = 3, cancelled_at = $2 WHERE id = $1 RETURNING ",
    order_columns!(),
    ", ",
    sighted!(written)
);

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
    ) -> Result<Option<(Cancellation, Written<StoredOrder>)>, Error> {
        let mut span = begin_span(id, &carried);
        let done = self.cancel_in(&mut span, id, now, carried).await;
        match &done {
            Err(error) => span.fail("database", error),
            Ok(None) => span.set(shop::OUTCOME, "unknown"),
            Ok(Some((cancellation, _))) => span.set(shop::OUTCOME, cancellation.name()),
        }
        let done = done?;
        done.iter().for_each(|(_, order)| self.copies.wrote(order.position));
        Ok(done)
    }

    async fn cancel_in(
        &self,
        span: &mut Span,
        id: OrderId,
        now: Timestamp,
        carried: Carried,
    ) -> Result<Option<(Cancellation, Written<StoredOrder>)>, sqlx::Error> {
        let (trace, began) = (span.context(), Instant::now());
        let mut connection = self.pool.acquire().await?;
        span.set(wait::POOL, began.elapsed());
        let mut transaction = connection.begin().await?;
        let locking = sqlx::query_as(LOCK).bind(id.as_uuid()).fetch_optional(&mut *transaction);
        let locked: Option<OrderRow> = in_statement("SELECT orders FOR UPDATE", trace, locking).await?;
        let Some(OrderRow(order)) = locked else { return Ok(None) };
        let cancellation = order.cancellation();
        if cancellation != Cancellation::Due {
            // The locked row may be newer than the snapshot that it was looked for in: its position is asked for anew.
            let asking = sqlx::query(ONE).bind(id.as_uuid()).fetch_one(&mut *transaction);
            let found: Found<Option<OrderRow>> = Found::one(&in_statement("SELECT orders", trace, asking).await?)?;
            return Ok(Some((cancellation, Written::new(order, found.sight.shows))));
        }
        let cancelling = sqlx::query(CANCEL).bind(id.as_uuid()).bind(now.as_offset()).fetch_one(&mut *transaction);
        let row = in_statement("UPDATE orders", trace, cancelling).await?;
        let (OrderRow(cancelled), writing) = (OrderRow::from_row(&row)?, Writing::of(&row)?);
        let mut events = outbox::Batch::new(SOURCE);
        events.push(id.bucket(BUCKETS), &OrderCancelled { order_id: id, cancelled_at: now }, carried);
        in_statement("INSERT outbox", trace, events.write(&mut transaction)).await?;
        in_statement("COMMIT", trace, transaction.commit()).await?;
        self.orders.changed([shelves::written(cancelled.clone().into_order(), writing)]);
        Ok(Some((Cancellation::Due, Written::new(cancelled, writing.position))))
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

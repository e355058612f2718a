//! What moves orders on. Each statement takes a whole batch, moves those orders that may still move, and answers
//! which: news that come twice, or too late, move nothing. The primary key serves all of them.

use std::collections::HashSet;

use contracts::{
    OrderId, Timestamp,
    event::StockReleased,
    order::{OrderStatus, Rejection},
};
use messaging::database::copies;
use sqlx::{
    PgConnection, Row as _,
    postgres::{PgBindIterExt, PgRow},
    types::Json,
};
use time::OffsetDateTime;
use uuid::Uuid;

use super::rows::{code_of, status_of};
use crate::domain::Verdict;

/// A PENDING order becomes what inventory decided. One that its customer has cancelled keeps its status, and gets
/// the times and what lacked, for its timeline.
const DECIDE: &str = "UPDATE orders
        SET status = CASE orders.status WHEN 0 THEN told.status ELSE orders.status END,
            decided_at = CASE orders.status WHEN 0 THEN $7 ELSE orders.decided_at END,
            published_at = told.published_at, received_at = told.received_at, reserved_at = told.reserved_at,
            rejection = told.rejection
       FROM unnest($1::uuid[], $2::smallint[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[], $6::jsonb[])
            WITH ORDINALITY AS told (id, status, published_at, received_at, reserved_at, rejection, ordinal)
      WHERE orders.id = told.id AND orders.status IN (0, 3) AND orders.reserved_at IS NULL
     RETURNING told.ordinal, orders.status, orders.placed_at, pg_current_xact_id()::text::bigint";

/// An order without its stock does not stand: a PENDING one becomes REJECTED, a CONFIRMED one CANCELLED.
const EXPIRE: &str = "UPDATE orders
        SET status = CASE orders.status WHEN 0 THEN 2 ELSE 3 END,
            decided_at = CASE orders.status WHEN 0 THEN $2 ELSE orders.decided_at END,
            cancelled_at = CASE orders.status WHEN 1 THEN $2 ELSE orders.cancelled_at END,
            rejection = $3
       FROM unnest($1::uuid[]) WITH ORDINALITY AS told (id, ordinal)
      WHERE orders.id = told.id AND orders.status IN (0, 1)
     RETURNING told.ordinal, orders.status, orders.placed_at, pg_current_xact_id()::text::bigint";

const NOTE_RELEASES: &str = "UPDATE orders SET released_at = told.released_at
       FROM unnest($1::uuid[], $2::timestamptz[]) WITH ORDINALITY AS told (id, released_at, ordinal)
      WHERE orders.id = told.id AND orders.released_at IS NULL
     RETURNING told.ordinal, orders.status, orders.placed_at, pg_current_xact_id()::text::bigint";

const KNOWN: &str = "SELECT id FROM orders WHERE id = ANY($1)";

/// News that moved their order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moved {
    /// Which of those given, from 0.
    pub(super) index: usize,
    /// The order's status now.
    pub(super) status: OrderStatus,
    /// When the order was placed.
    pub(super) placed_at: Timestamp,
    /// The position of this.
    pub(super) position: u64,
}

/// Takes what inventory decided about these orders.
pub(super) async fn decide<'a, I: ExactSizeIterator<Item = &'a Verdict>>(
    connection: &mut PgConnection,
    verdicts: impl Fn() -> I,
    now: Timestamp,
) -> Result<Vec<Moved>, sqlx::Error> {
    if verdicts().len() == 0 {
        return Ok(Vec::new());
    }
    let query = sqlx::query(DECIDE)
        .bind(verdicts().map(|verdict| verdict.order_id.as_uuid()).bind_iter())
        .bind(verdicts().map(|verdict| code_of(verdict.status())).bind_iter())
        .bind(verdicts().map(|verdict| verdict.hops.published_at.as_offset()).bind_iter())
        .bind(verdicts().map(|verdict| verdict.hops.received_at.as_offset()).bind_iter())
        .bind(verdicts().map(|verdict| verdict.hops.decided_at.as_offset()).bind_iter())
        .bind(verdicts().map(|verdict| verdict.rejection.as_ref().map(Json)).bind_iter())
        .bind(now.as_offset());
    query.fetch_all(connection).await?.iter().map(moved).collect()
}

/// Ends the orders whose reservation expired before they were confirmed.
pub(super) async fn expire<I: ExactSizeIterator<Item = OrderId>>(
    connection: &mut PgConnection,
    ids: impl Fn() -> I,
    now: Timestamp,
) -> Result<Vec<Moved>, sqlx::Error> {
    if ids().len() == 0 {
        return Ok(Vec::new());
    }
    let query = sqlx::query(EXPIRE)
        .bind(ids().map(|id| id.as_uuid()).bind_iter())
        .bind(now.as_offset())
        .bind(Json(Rejection::ReservationExpired));
    query.fetch_all(connection).await?.iter().map(moved).collect()
}

/// Notes when stock was given back, whatever the orders' status.
pub(super) async fn note_releases<'a, I: ExactSizeIterator<Item = &'a StockReleased>>(
    connection: &mut PgConnection,
    releases: impl Fn() -> I,
) -> Result<Vec<Moved>, sqlx::Error> {
    if releases().len() == 0 {
        return Ok(Vec::new());
    }
    let query = sqlx::query(NOTE_RELEASES)
        .bind(releases().map(|release| release.order_id.as_uuid()).bind_iter())
        .bind(releases().map(|release| release.released_at.as_offset()).bind_iter());
    query.fetch_all(connection).await?.iter().map(moved).collect()
}

/// Which of these orders there are.
pub(super) async fn known(connection: &mut PgConnection, ids: &[Uuid]) -> Result<HashSet<Uuid>, sqlx::Error> {
    let known: Vec<Uuid> = sqlx::query_scalar(KNOWN).bind(ids).fetch_all(connection).await?;
    Ok(known.into_iter().collect())
}

fn moved(row: &PgRow) -> Result<Moved, sqlx::Error> {
    let ordinal: i64 = row.try_get(0)?;
    Ok(Moved {
        index: usize::try_from(ordinal - 1).map_err(|fault| sqlx::Error::Decode(Box::new(fault)))?,
        status: status_of(row.try_get(1)?)?,
        placed_at: row.try_get::<OffsetDateTime, _>(2)?.into(),
        position: copies::position(row.try_get(3)?),
    })
}

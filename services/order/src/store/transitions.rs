//! What moves orders on. Each statement takes a whole batch, moves those orders that may still move, and answers
//! which: news that come twice, or too late, move nothing. The primary key serves all of them.

use std::collections::HashSet;

use contracts::{
    OrderId, Timestamp,
    event::StockReleased,
    order::{OrderStatus, Rejection},
};
use messaging::database::copies::Writing;
use sqlx::{
    FromRow as _, PgConnection, Postgres, Row as _,
    postgres::{PgArguments, PgBindIterExt, PgRow},
    query::Query,
    types::Json,
};
use time::OffsetDateTime;
use uuid::Uuid;

use super::rows::{OrderRow, code_of, order_columns, status_of};
use crate::domain::{StoredOrder, Verdict};

/// What [`Moved`] is read from; where the whole order is read, its columns are the first.
macro_rules! moved_columns {
    () => {
        concat!("told.ordinal, orders.status, orders.placed_at, ", messaging::sighted!(written))
    };
}
pub(super) use moved_columns;

/// A PENDING order becomes what inventory decided. One that its customer has cancelled keeps its status, and gets
/// the times and what lacked, for its timeline.
macro_rules! decide {
    ($($returned:expr),+) => {
        concat!(
            "UPDATE orders
        SET status = CASE orders.status WHEN 0 THEN told.status ELSE orders.status END,
            decided_at = CASE orders.status WHEN 0 THEN $7 ELSE orders.decided_at END,
            published_at = told.published_at, received_at = told.received_at, reserved_at = told.reserved_at,
            rejection = told.rejection
       FROM unnest($1::uuid[], $2::smallint[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[], $6::jsonb[])
            WITH ORDINALITY AS told (id, status, published_at, received_at, reserved_at, rejection, ordinal)
      WHERE orders.id = told.id AND orders.status IN (0, 3) AND orders.reserved_at IS NULL
     RETURNING ",
            $($returned),+
        )
    };
}

const DECIDE: &str = decide!(moved_columns!());
const DECIDE_AND_READ: &str = decide!(order_columns!(), ", ", moved_columns!());

/// An order without its stock does not stand: a PENDING one becomes REJECTED, a CONFIRMED one CANCELLED.
macro_rules! expire {
    ($($returned:expr),+) => {
        concat!(
            "UPDATE orders
        SET status = CASE orders.status WHEN 0 THEN 2 ELSE 3 END,
            decided_at = CASE orders.status WHEN 0 THEN $2 ELSE orders.decided_at END,
            cancelled_at = CASE orders.status WHEN 1 THEN $2 ELSE orders.cancelled_at END,
            rejection = $3
       FROM unnest($1::uuid[]) WITH ORDINALITY AS told (id, ordinal)
      WHERE orders.id = told.id AND orders.status IN (0, 1)
     RETURNING ",
            $($returned),+
        )
    };
}

const EXPIRE: &str = expire!(moved_columns!());
const EXPIRE_AND_READ: &str = expire!(order_columns!(), ", ", moved_columns!());

const NOTE_RELEASES: &str = concat!(
    "UPDATE orders SET released_at = told.released_at
       FROM unnest($1::uuid[], $2::timestamptz[]) WITH ORDINALITY AS told (id, released_at, ordinal)
      WHERE orders.id = told.id AND orders.released_at IS NULL
     RETURNING ",
    moved_columns!()
);

const KNOWN: &str = "SELECT id FROM orders WHERE id = ANY($1)";

/// News that moved their order.
#[derive(Debug, Clone)]
pub(super) struct Moved {
    /// Which of those given, from 0.
    pub(super) index: usize,
    /// The order's status now.
    pub(super) status: OrderStatus,
    /// When the order was placed.
    pub(super) placed_at: Timestamp,
    /// What was written.
    pub(super) writing: Writing,
    /// The order since, where it was read.
    pub(super) order: Option<StoredOrder>,
}

/// Takes what inventory decided about these orders, and reads them where that is of use.
pub(super) async fn decide<'a, I: ExactSizeIterator<Item = &'a Verdict>>(
    connection: &mut PgConnection,
    verdicts: impl Fn() -> I,
    (now, reads): (Timestamp, bool),
) -> Result<Vec<Moved>, sqlx::Error> {
    if verdicts().len() == 0 {
        return Ok(Vec::new());
    }
    let query = bind(sqlx::query(if reads { DECIDE_AND_READ } else { DECIDE }), verdicts, now);
    query.fetch_all(connection).await?.iter().map(|row| moved(row, reads)).collect()
}

/// What inventory decided, and when that was taken, as the next seven parameters of a statement.
pub(super) fn bind<'q, 'a, I: ExactSizeIterator<Item = &'a Verdict>>(
    statement: Query<'q, Postgres, PgArguments>,
    verdicts: impl Fn() -> I,
    now: Timestamp,
) -> Query<'q, Postgres, PgArguments> {
    statement
        .bind(verdicts().map(|verdict| verdict.order_id.as_uuid()).bind_iter())
        .bind(verdicts().map(|verdict| code_of(verdict.status())).bind_iter())
        .bind(verdicts().map(|verdict| verdict.hops.published_at.as_offset()).bind_iter())
        .bind(verdicts().map(|verdict| verdict.hops.received_at.as_offset()).bind_iter())
        .bind(verdicts().map(|verdict| verdict.hops.decided_at.as_offset()).bind_iter())
        .bind(verdicts().map(|verdict| verdict.rejection.as_ref().map(Json)).bind_iter())
        .bind(now.as_offset())
}

/// Ends the orders whose reservation expired before they were confirmed, and reads them where that is of use.
pub(super) async fn expire<I: ExactSizeIterator<Item = OrderId>>(
    connection: &mut PgConnection,
    ids: impl Fn() -> I,
    (now, reads): (Timestamp, bool),
) -> Result<Vec<Moved>, sqlx::Error> {
    if ids().len() == 0 {
        return Ok(Vec::new());
    }
    let query = sqlx::query(if reads { EXPIRE_AND_READ } else { EXPIRE })
        .bind(ids().map(|id| id.as_uuid()).bind_iter())
        .bind(now.as_offset())
        .bind(Json(Rejection::ReservationExpired));
    query.fetch_all(connection).await?.iter().map(|row| moved(row, reads)).collect()
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
    query.fetch_all(connection).await?.iter().map(|row| moved(row, false)).collect()
}

/// Which of these orders there are.
pub(super) async fn known(connection: &mut PgConnection, ids: &[Uuid]) -> Result<HashSet<Uuid>, sqlx::Error> {
    let known: Vec<Uuid> = sqlx::query_scalar(KNOWN).bind(ids).fetch_all(connection).await?;
    Ok(known.into_iter().collect())
}

/// Of a row of [`moved_columns`], behind those of the order where it was read.
pub(super) fn moved(row: &PgRow, reads: bool) -> Result<Moved, sqlx::Error> {
    let ordinal: i64 = row.try_get("ordinal")?;
    let order = if reads { Some(OrderRow::from_row(row)?.0) } else { None };
    Ok(Moved {
        index: usize::try_from(ordinal - 1).map_err(|fault| sqlx::Error::Decode(Box::new(fault)))?,
        status: status_of(row.try_get("status")?)?,
        placed_at: row.try_get::<OffsetDateTime, _>("placed_at")?.into(),
        writing: Writing::of(row)?,
        order,
    })
}

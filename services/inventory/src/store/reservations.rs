//! Rows of reservations. The primary key serves every statement.

use std::collections::HashMap;

use contracts::{
    OrderId, StockLine, Timestamp,
    consistency::Written,
    stock::{Reservation, ReservationStatus},
};
use messaging::{database::copies, sighted};
use sqlx::{FromRow as _, PgConnection, Row as _, postgres::PgBindIterExt, types::Json};
use telemetry::context::TraceContext;
use uuid::Uuid;

use super::{
    Error, Statement, Store,
    rows::{ReservationRow, StoodRow, code_of, order_id, status_of},
};
use crate::domain::{NewReservation, Stood};

const GET: &str = "SELECT order_id, status, lines, decided_at, released_at FROM reservations WHERE order_id = $1";

const STOOD: &str = concat!(
    "SELECT order_id, status, lines, decided_at, released_at, lacking, direct, ",
    sighted!(row "reservations"),
    " FROM reservations WHERE order_id = ANY($1)"
);

const STATUSES: &str = "SELECT order_id, status, direct FROM reservations WHERE order_id = ANY($1)";

const LINES: &str = "SELECT order_id, lines FROM reservations WHERE order_id = ANY($1) AND NOT direct";

/// In the order of ids, see the lock order.
const LOCK: &str =
    "SELECT order_id, status, direct FROM reservations WHERE order_id = ANY($1) ORDER BY order_id FOR UPDATE";

const INSERT: &str = "WITH stored AS (
         INSERT INTO reservations (order_id, status, lines, lacking, released_at, trace, decided_at, direct)
         SELECT decided.*, $7, $8
           FROM unnest($1::uuid[], $2::smallint[], $3::jsonb[], $4::jsonb[], $5::timestamptz[], $6::text[]) AS decided)
     SELECT pg_current_xact_id()::text::bigint";

const CONFIRM: &str = "UPDATE reservations SET status = 1 WHERE order_id = ANY($1) AND status = 0 AND NOT direct";

const CONFIRM_DIRECT: &str = "UPDATE reservations SET status = 1 WHERE order_id = $1 AND status = 0 AND direct";

const RELEASE: &str = "UPDATE reservations SET status = 3, released_at = $2 WHERE order_id = ANY($1)";

impl Store {
    /// The reservation of an order.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn reservation(&self, order_id: OrderId) -> Result<Option<Reservation>, Error> {
        let row: Option<ReservationRow> =
            sqlx::query_as(GET).bind(order_id.as_uuid()).fetch_optional(&self.pool).await?;
        Ok(row.map(|ReservationRow(reservation)| reservation))
    }
}

/// Where a reservation stands.
pub(super) struct Place {
    pub(super) status: ReservationStatus,
    /// Whether it was made by a request.
    pub(super) direct: bool,
}

/// Where the reservations of these orders stand that there are.
pub(super) async fn statuses(
    connection: &mut PgConnection,
    orders: &[Uuid],
) -> Result<HashMap<OrderId, Place>, sqlx::Error> {
    read_statuses(connection, STATUSES, orders).await
}

/// The same, locked until the transaction ends.
pub(super) async fn lock(
    connection: &mut PgConnection,
    orders: &[Uuid],
) -> Result<HashMap<OrderId, Place>, sqlx::Error> {
    read_statuses(connection, LOCK, orders).await
}

async fn read_statuses(
    connection: &mut PgConnection,
    statement: &'static str,
    orders: &[Uuid],
) -> Result<HashMap<OrderId, Place>, sqlx::Error> {
    if orders.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query(statement).bind(orders).fetch_all(connection).await?;
    let place = |row| Ok((order_id(row, 0)?, Place { status: status_of(row.try_get(1)?)?, direct: row.try_get(2)? }));
    rows.iter().map(place).collect()
}

/// All of the reservations under these ids, each with the position of what was written of it last.
pub(super) async fn stood(
    connection: &mut PgConnection,
    ids: impl Iterator<Item = OrderId>,
) -> Result<HashMap<OrderId, Written<Stood>>, sqlx::Error> {
    let ids: Vec<Uuid> = ids.map(OrderId::as_uuid).collect();
    let rows = sqlx::query(STOOD).bind(ids).fetch_all(connection).await?;
    let stood = |row| {
        let StoodRow(stood) = StoodRow::from_row(row)?;
        Ok((stood.reservation.order_id, Written::new(stood, copies::shown(row)?)))
    };
    rows.iter().map(stood).collect()
}

/// The lines of those of these orders that have a reservation, and one that no request has made; they never change.
pub(super) async fn lines(
    connection: &mut PgConnection,
    orders: &[Uuid],
) -> Result<HashMap<OrderId, Vec<StockLine>>, sqlx::Error> {
    if orders.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query(LINES).bind(orders).fetch_all(connection).await?;
    rows.iter().map(|row| Ok((order_id(row, 0)?, row.try_get::<Json<_>, _>(1)?.0))).collect()
}

/// Stores what was decided at `now`, for orders or `direct`, each with the span in which that was done, where it is
/// recorded. Answers the position of that; `None` where there was nothing to store.
pub(super) async fn insert(
    connection: &mut PgConnection,
    new: &[NewReservation<'_>],
    (now, direct): (Timestamp, bool),
    traces: &HashMap<OrderId, TraceContext>,
) -> Result<Option<u64>, sqlx::Error> {
    if new.is_empty() {
        return Ok(None);
    }
    let row = bind(sqlx::query(INSERT), new, now, traces).bind(direct).fetch_one(connection).await?;
    Ok(Some(copies::position(row.try_get(0)?)))
}

/// What is to be stored, as the next seven parameters of a statement, see [`insert`].
pub(super) fn bind<'q>(
    statement: Statement<'q>,
    new: &[NewReservation<'_>],
    now: Timestamp,
    traces: &HashMap<OrderId, TraceContext>,
) -> Statement<'q> {
    let released_at = |new: &NewReservation<'_>| (new.status == ReservationStatus::Released).then(|| now.as_offset());
    statement
        .bind(new.iter().map(|new| new.order_id.as_uuid()).bind_iter())
        .bind(new.iter().map(|new| code_of(new.status)).bind_iter())
        .bind(new.iter().map(|new| Json(new.lines)).bind_iter())
        .bind(new.iter().map(|new| new.lacking.as_ref().map(Json)).bind_iter())
        .bind(new.iter().map(released_at).bind_iter())
        .bind(new.iter().map(|new| traces.get(&new.order_id).map(ToString::to_string)).bind_iter())
        .bind(now.as_offset())
}

/// Confirms a reservation that a request has made, if it is HELD.
pub(super) async fn confirm_direct(connection: &mut PgConnection, id: OrderId) -> Result<bool, sqlx::Error> {
    let confirmed = sqlx::query(CONFIRM_DIRECT).bind(id.as_uuid()).execute(connection).await?;
    Ok(confirmed.rows_affected() == 1)
}

/// Confirms those of these orders' reservations that are HELD.
pub(super) async fn confirm(connection: &mut PgConnection, orders: &[OrderId]) -> Result<(), sqlx::Error> {
    if orders.is_empty() {
        return Ok(());
    }
    sqlx::query(CONFIRM).bind(orders.iter().map(|order| order.as_uuid()).bind_iter()).execute(connection).await?;
    Ok(())
}

/// Releases reservations that were locked and found live.
pub(super) async fn release(
    connection: &mut PgConnection,
    orders: &[OrderId],
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    if orders.is_empty() {
        return Ok(());
    }
    sqlx::query(RELEASE)
        .bind(orders.iter().map(|order| order.as_uuid()).bind_iter())
        .bind(now.as_offset())
        .execute(connection)
        .await?;
    Ok(())
}

//! How orders and reservations stand in rows, as the services' migrations say.

use contracts::{order::OrderStatus, stock::ReservationStatus};
use sqlx::{Row as _, postgres::PgRow, types::Json};
use time::OffsetDateTime;

use crate::case::{Order, Reservation};

/// A code that is no status.
#[derive(Debug, thiserror::Error)]
#[error("{0} is no status")]
struct UnknownStatus(i16);

/// Reads `id, status, placed_at, lines, total_minor, currency, rejection`, save the id.
pub(super) fn order(row: &PgRow) -> Result<Order, sqlx::Error> {
    let status = match row.try_get::<i16, _>(1)? {
        0 => OrderStatus::Pending,
        1 => OrderStatus::Confirmed,
        2 => OrderStatus::Rejected,
        3 => OrderStatus::Cancelled,
        code => return Err(unknown(code)),
    };
    Ok(Order {
        status,
        placed_at: row.try_get::<OffsetDateTime, _>(2)?.into(),
        lines: row.try_get::<Json<_>, _>(3)?.0,
        total_minor: row.try_get(4)?,
        currency: row.try_get(5)?,
        rejection: row.try_get::<Option<Json<_>>, _>(6)?.map(|json| json.0),
    })
}

/// Reads `order_id, status, lines, direct`, save the id.
pub(super) fn reservation(row: &PgRow) -> Result<Reservation, sqlx::Error> {
    let status = match row.try_get::<i16, _>(1)? {
        0 => ReservationStatus::Held,
        1 => ReservationStatus::Confirmed,
        2 => ReservationStatus::Rejected,
        3 => ReservationStatus::Released,
        code => return Err(unknown(code)),
    };
    Ok(Reservation { status, lines: row.try_get::<Json<_>, _>(2)?.0, direct: row.try_get(3)? })
}

fn unknown(code: i16) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(UnknownStatus(code)))
}

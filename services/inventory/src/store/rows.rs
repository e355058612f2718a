//! How what we know stands in rows.

use contracts::stock::ReservationStatus::{self, Confirmed, Held, Rejected, Released};
use contracts::{Lacking, Money, OrderId, Sku, Timestamp, catalogue::Product, stock};
use locks::Token;
use sqlx::{FromRow, Row as _, postgres::PgRow, types::Json};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::{Level, Stood};

/// The code of a status in the column.
pub(super) fn code_of(status: ReservationStatus) -> i16 {
    match status {
        Held => 0,
        Confirmed => 1,
        Rejected => 2,
        Released => 3,
    }
}

/// A code that is no status.
#[derive(Debug, thiserror::Error)]
#[error("{0} is no reservation status")]
struct UnknownStatus(i16);

/// The status of a code in the column.
pub(super) fn status_of(code: i16) -> Result<ReservationStatus, sqlx::Error> {
    let all = [Held, Confirmed, Rejected, Released];
    all.into_iter().find(|&status| code_of(status) == code).ok_or_else(|| decode(UnknownStatus(code)))
}

pub(super) fn decode(fault: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(fault))
}

/// A SKU in a column.
pub(super) fn sku(row: &PgRow, column: usize) -> Result<Sku, sqlx::Error> {
    row.try_get::<&str, _>(column)?.parse().map_err(decode)
}

/// An order's id in a column.
pub(super) fn order_id(row: &PgRow, column: usize) -> Result<OrderId, sqlx::Error> {
    row.try_get::<Uuid, _>(column).map(OrderId::from)
}

/// A row of `sku, name, price_minor, currency, version`.
pub(super) struct ProductRow(pub(super) Product);

impl<'r> FromRow<'r, PgRow> for ProductRow {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        let currency = row.try_get::<&str, _>(3)?.parse().map_err(decode)?;
        Ok(Self(Product {
            sku: sku(row, 0)?,
            name: row.try_get(1)?,
            unit_price: Money { minor: row.try_get(2)?, currency },
            version: row.try_get(4)?,
        }))
    }
}

impl From<ProductRow> for Product {
    fn from(ProductRow(product): ProductRow) -> Self {
        product
    }
}

/// A row of `sku, available, reserved, version`.
pub(super) struct StockRow(pub(super) stock::Stock);

impl<'r> FromRow<'r, PgRow> for StockRow {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self(stock::Stock {
            sku: sku(row, 0)?,
            available: row.try_get(1)?,
            reserved: row.try_get(2)?,
            version: row.try_get(3)?,
        }))
    }
}

impl From<StockRow> for stock::Stock {
    fn from(StockRow(stock): StockRow) -> Self {
        stock
    }
}

/// A row of `sku, available, reserved, version, token_epoch, token_counter`.
pub(super) struct ShelfRow {
    pub(super) sku: Sku,
    pub(super) level: Level,
    pub(super) version: i64,
    /// The greatest that has stored it.
    pub(super) token: Token,
}

/// A pair of numbers that is no token.
#[derive(Debug, thiserror::Error)]
#[error("{0}.{1} is no fencing token")]
struct NoToken(i64, i64);

impl<'r> FromRow<'r, PgRow> for ShelfRow {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        let level = Level { available: row.try_get(1)?, reserved: row.try_get(2)? };
        let (epoch, counter) = (row.try_get(4)?, row.try_get(5)?);
        let token = Token::from_columns(epoch, counter).ok_or_else(|| decode(NoToken(epoch, counter)))?;
        Ok(Self { sku: sku(row, 0)?, level, version: row.try_get(3)?, token })
    }
}

/// A row of `order_id, status, lines, decided_at, released_at`.
pub(super) struct ReservationRow(pub(super) stock::Reservation);

impl<'r> FromRow<'r, PgRow> for ReservationRow {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self(stock::Reservation {
            order_id: order_id(row, 0)?,
            status: status_of(row.try_get(1)?)?,
            lines: row.try_get::<Json<_>, _>(2)?.0,
            decided_at: row.try_get::<OffsetDateTime, _>(3)?.into(),
            released_at: row.try_get::<Option<OffsetDateTime>, _>(4)?.map(Timestamp::from),
        }))
    }
}

/// A row of the same, and `lacking, direct`.
pub(super) struct StoodRow(pub(super) Stood);

impl<'r> FromRow<'r, PgRow> for StoodRow {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        let ReservationRow(reservation) = ReservationRow::from_row(row)?;
        let lacking: Option<Json<Vec<Lacking>>> = row.try_get(5)?;
        let lacking = lacking.map(|Json(lacking)| lacking).unwrap_or_default();
        Ok(Self(Stood { reservation, lacking, direct: row.try_get(6)? }))
    }
}

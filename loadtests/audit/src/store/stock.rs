//! Stock and its adjustments.

use sqlx::{Row as _, postgres::PgRow};

use super::{Snapshot, failed};
use crate::{
    AuditError,
    checks::stock::{Level, Shelf},
};

/// Reads both tables whole: there is no other way to a sum of all. The sum comes as text, because it is no `bigint` any
/// more where a corrupted row made it too large.
const SHELVES: &str = "SELECT sku, stock.available, stock.reserved, adjusted.delta::text, coalesce(adjusted.rows, 0)
       FROM stock FULL JOIN
            (SELECT sku, sum(delta) AS delta, count(*) AS rows FROM stock_adjustments GROUP BY sku) AS adjusted
            USING (sku)";

impl Snapshot<'_> {
    /// Every SKU that has a row of stock or an adjustment, each with the number of its adjustments.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) async fn shelves(&mut self) -> Result<Vec<(Shelf, u64)>, AuditError> {
        let read = sqlx::query(SHELVES).fetch_all(&mut *self.transaction).await;
        let shelves = read.and_then(|rows| rows.iter().map(shelf).collect());
        shelves.map_err(failed(self.database))
    }
}

fn shelf(row: &PgRow) -> Result<(Shelf, u64), sqlx::Error> {
    let available: Option<i64> = row.try_get(1)?;
    let reserved: Option<i64> = row.try_get(2)?;
    let level = available.zip(reserved).map(|(available, reserved)| Level { available, reserved });
    let adjusted = row.try_get::<Option<&str>, _>(3)?.map_or(Ok(0), str::parse);
    let adjusted = adjusted.map_err(|fault| sqlx::Error::Decode(Box::new(fault)))?;
    let adjustments: i64 = row.try_get(4)?;
    Ok((Shelf { sku: row.try_get(0)?, level, adjusted }, adjustments.unsigned_abs()))
}

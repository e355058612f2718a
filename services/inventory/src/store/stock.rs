//! Rows of stock.

use std::collections::BTreeSet;

use contracts::{Sku, stock::Stock};
use sqlx::{PgConnection, postgres::PgBindIterExt};

use super::{
    Error, Store,
    rows::{LevelRow, StockRow},
};
use crate::domain::Level;

const GET: &str = "SELECT sku, available, reserved, version FROM stock WHERE sku = $1";

/// In the order of SKUs, see the lock order.
const LOCK: &str = "SELECT sku, available, reserved FROM stock WHERE sku = ANY($1) ORDER BY sku FOR UPDATE";

/// The primary key is probed for each row given.
const SET: &str = "UPDATE stock
        SET available = decided.available, reserved = decided.reserved, version = stock.version + 1
       FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS decided (sku, available, reserved)
      WHERE stock.sku = decided.sku";

impl Store {
    /// The stock of a SKU; `None` where there is no such product.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn stock(&self, sku: &Sku) -> Result<Option<Stock>, Error> {
        let row: Option<StockRow> = sqlx::query_as(GET).bind(sku.as_str()).fetch_optional(&self.pool).await?;
        Ok(row.map(|StockRow(stock)| stock))
    }
}

/// Locks the rows of these SKUs until the transaction ends, and answers those that there are, by SKU.
pub(super) async fn lock(
    connection: &mut PgConnection,
    skus: BTreeSet<&str>,
) -> Result<Vec<(Sku, Level)>, sqlx::Error> {
    if skus.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<LevelRow> = sqlx::query_as(LOCK).bind(skus.into_iter().bind_iter()).fetch_all(connection).await?;
    Ok(rows.into_iter().map(|LevelRow(sku, level)| (sku, level)).collect())
}

/// Writes rows that were locked.
pub(super) async fn set(connection: &mut PgConnection, levels: &[(Sku, Level)]) -> Result<(), sqlx::Error> {
    if levels.is_empty() {
        return Ok(());
    }
    sqlx::query(SET)
        .bind(levels.iter().map(|(sku, _)| sku.as_str()).bind_iter())
        .bind(levels.iter().map(|(_, level)| level.available).bind_iter())
        .bind(levels.iter().map(|(_, level)| level.reserved).bind_iter())
        .execute(connection)
        .await?;
    Ok(())
}

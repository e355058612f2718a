//! To whom pieces were promised last.

use std::collections::HashMap;

use sqlx::{Row as _, postgres::PgRow};
use time::OffsetDateTime;

use super::{Snapshot, failed};
use crate::{
    AuditError,
    checks::oversold::{NAMED, Taker},
};

/// Reads all reservations, once a look that finds an oversold SKU: no service asks who holds a SKU, so no index is kept
/// for that. Those of one transaction are decided at one time; their ids tell which order was placed first.
const LAST: &str = "SELECT sku, order_id, pieces, decided_at, direct
       FROM (SELECT sku, order_id, (line ->> 'quantity')::bigint AS pieces, decided_at, direct,
                    row_number() OVER (PARTITION BY sku ORDER BY decided_at DESC, order_id DESC) AS place
               FROM reservations, jsonb_array_elements(lines) AS line
                    JOIN unnest($1::text[]) AS oversold (sku) ON sku = line ->> 'sku'
              WHERE status IN (0, 1)) AS takers
      WHERE place <= $2
      ORDER BY sku, place";

impl Snapshot<'_> {
    /// By SKU, the last [`NAMED`] live reservations of it, the last one first.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) async fn last_takers(&mut self, skus: &[&str]) -> Result<HashMap<String, Vec<Taker>>, AuditError> {
        let read = sqlx::query(LAST).bind(skus).bind(NAMED as i64).fetch_all(&mut *self.transaction).await;
        let takers = read.and_then(|rows| rows.iter().map(taker).collect::<Result<Vec<_>, _>>());
        let mut by_sku: HashMap<String, Vec<Taker>> = HashMap::new();
        for (sku, taker) in takers.map_err(failed(self.database))? {
            by_sku.entry(sku).or_default().push(taker);
        }
        Ok(by_sku)
    }
}

fn taker(row: &PgRow) -> Result<(String, Taker), sqlx::Error> {
    let order = row.try_get::<uuid::Uuid, _>(1)?.into();
    let decided_at = row.try_get::<OffsetDateTime, _>(3)?.into();
    Ok((row.try_get(0)?, Taker { order, pieces: row.try_get(2)?, decided_at, direct: row.try_get(4)? }))
}

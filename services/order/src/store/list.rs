//! Lists of orders.

use std::time::{Duration, Instant};

use contracts::OrderId;
use sqlx::{Postgres, QueryBuilder};
use uuid::Uuid;

use super::{
    Error, Store,
    rows::{OrderRow, code_of, order_columns},
};
use crate::domain::{Listing, StoredOrder};

/// How many orders one statement looks through for those of a status.
const WINDOW: i64 = 20_000;
/// How long one request goes on looking, window by window.
const PATIENCE: Duration = Duration::from_millis(500);

impl Store {
    /// The orders of `listing`, and the order behind which the next page begins, or `None` when there is no more.
    ///
    /// No index holds the status, because it would cost every decision the cheap update (see the migration). So a
    /// list by status walks the orders in windows; where those of the status are rare among very many, it ends after
    /// half a second with what it has, and the cursor to go on from.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn list(&self, listing: &Listing) -> Result<(Vec<StoredOrder>, Option<OrderId>), Error> {
        let began = Instant::now();
        let limit = usize::from(listing.limit);
        let mut behind = listing.behind();
        let mut found = Vec::new();
        loop {
            let end = match listing.status {
                Some(_) => self.window_end(listing, behind).await?,
                None => None,
            };
            // One more than asked for tells whether there is a next page.
            found.extend(self.window(listing, behind, end, limit + 1 - found.len()).await?);
            if found.len() > limit {
                found.truncate(limit);
                let last = found.last().map(|order: &StoredOrder| order.id);
                return Ok((found, last));
            }
            match end {
                None => return Ok((found, None)),
                Some(end) if began.elapsed() > PATIENCE => return Ok((found, Some(end.into()))),
                Some(end) => behind = end,
            }
        }
    }

    /// The last id of the window that begins behind `behind`; `None` when fewer orders are left than it holds.
    async fn window_end(&self, listing: &Listing, behind: Uuid) -> Result<Option<Uuid>, Error> {
        let mut query = QueryBuilder::new("SELECT id FROM orders");
        bound(&mut query, listing, behind);
        query.push(" ORDER BY id LIMIT 1 OFFSET ").push_bind(WINDOW - 1);
        Ok(query.build_query_scalar().fetch_optional(&self.pool).await?)
    }

    async fn window(
        &self,
        listing: &Listing,
        behind: Uuid,
        end: Option<Uuid>,
        most: usize,
    ) -> Result<impl Iterator<Item = StoredOrder> + use<>, Error> {
        let mut query = QueryBuilder::new(concat!("SELECT ", order_columns!(), " FROM orders"));
        bound(&mut query, listing, behind);
        if let Some(end) = end {
            query.push(" AND id <= ").push_bind(end);
        }
        if let Some(after) = listing.placed_after {
            query.push(" AND placed_at > ").push_bind(after.as_offset());
        }
        if let Some(status) = listing.status {
            query.push(" AND status = ").push_bind(code_of(status));
        }
        query.push(" ORDER BY id LIMIT ").push_bind(most as i64);
        let rows: Vec<OrderRow> = query.build_query_as().fetch_all(&self.pool).await?;
        Ok(rows.into_iter().map(|OrderRow(order)| order))
    }
}

/// What the primary key, or the index on customers, serves.
fn bound(query: &mut QueryBuilder<Postgres>, listing: &Listing, behind: Uuid) {
    query.push(" WHERE id > ").push_bind(behind);
    if let Some(customer) = &listing.customer_id {
        query.push(" AND customer_id = ").push_bind(customer.as_str().to_owned());
    }
}

//! Lists of orders.

use std::time::{Duration, Instant};

use contracts::{
    OrderId,
    consistency::{Answer, Demand},
};
use messaging::{
    database::copies::{Found, Sight},
    sighted,
};
use sqlx::{PgPool, Postgres, QueryBuilder};
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
    pub async fn list(&self, listing: &Listing, demand: &Demand) -> Result<Answer<Listed>, Error> {
        self.copies.read(demand, |copy: PgPool| async move { list(&copy, listing).await }).await
    }
}

/// Orders, and the one behind which the next page begins.
pub(super) type Listed = (Vec<StoredOrder>, Option<OrderId>);

async fn list(copy: &PgPool, listing: &Listing) -> Result<Found<Listed>, sqlx::Error> {
    let began = Instant::now();
    let limit = usize::from(listing.limit);
    let mut behind = listing.behind();
    let (mut found, mut sight) = (Vec::new(), None::<Sight>);
    loop {
        let end = match listing.status {
            Some(_) => window_end(copy, listing, behind).await?,
            None => None,
        };
        // One more than asked for tells whether there is a next page.
        let window = window(copy, listing, behind, end, limit + 1 - found.len()).await?;
        let seen = sight.map_or(window.sight, |sight| sight.and(window.sight));
        sight = Some(seen);
        found.extend(window.value.into_iter().map(|OrderRow(order)| order));
        let listed = |value| Ok(Found { value, sight: seen });
        if found.len() > limit {
            found.truncate(limit);
            let last = found.last().map(|order: &StoredOrder| order.id);
            return listed((found, last));
        }
        match end {
            None => return listed((found, None)),
            Some(end) if began.elapsed() > PATIENCE => return listed((found, Some(end.into()))),
            Some(end) => behind = end,
        }
    }
}

/// The last id of the window that begins behind `behind`; `None` when fewer orders are left than it holds.
async fn window_end(copy: &PgPool, listing: &Listing, behind: Uuid) -> Result<Option<Uuid>, sqlx::Error> {
    let mut query = QueryBuilder::new("SELECT id FROM orders");
    bound(&mut query, listing, behind);
    query.push(" ORDER BY id LIMIT 1 OFFSET ").push_bind(WINDOW - 1);
    query.build_query_scalar().fetch_optional(copy).await
}

async fn window(
    copy: &PgPool,
    listing: &Listing,
    behind: Uuid,
    end: Option<Uuid>,
    most: usize,
) -> Result<Found<Vec<OrderRow>>, sqlx::Error> {
    let mut query = QueryBuilder::new(concat!(
        sighted!(before),
        "SELECT ",
        order_columns!(),
        ", orders.xmin AS written FROM orders"
    ));
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
    // Sorted again outside, where no order is promised of what is joined.
    query.push(concat!(sighted!(behind), " ORDER BY found.id"));
    Found::all(&query.build().fetch_all(copy).await?)
}

/// What the primary key, or the index on customers, serves.
fn bound(query: &mut QueryBuilder<Postgres>, listing: &Listing, behind: Uuid) {
    query.push(" WHERE id > ").push_bind(behind);
    if let Some(customer) = &listing.customer_id {
        query.push(" AND customer_id = ").push_bind(customer.as_str().to_owned());
    }
}

//! Giving back what was reserved for orders that were never confirmed.

use std::collections::{BTreeSet, HashMap};

use contracts::{
    OrderId, StockLine, Timestamp,
    event::{ReleaseReason, StockReleased},
    stock::ReservationStatus,
};
use messaging::{BUCKETS, outbox};
use sqlx::{PgConnection, Row as _, types::Json};
use uuid::Uuid;

use super::{Error, SWEEPING, Store, reservations, rows::order_id, stock};
use crate::{
    SOURCE,
    domain::{Found, OrderEvent, Standing, decide},
};

/// Held until the transaction ends, so that a sweeper that dies leaves nothing behind.
const ONLY_ONE: &str = "SELECT pg_try_advisory_xact_lock($1)";

/// A block range index can be used no other way. Put back afterwards: the statements behind it are other
/// transactions' too, whose plans this connection keeps.
const BITMAP_ON: &str = "SET LOCAL enable_bitmapscan = on";
const BITMAP_OFF: &str = "SET LOCAL enable_bitmapscan = off";

/// Served by the block range index on the time.
const OVERDUE: &str = "SELECT order_id, lines FROM reservations
      WHERE decided_at >= $1 AND decided_at < $2 AND status = 0 LIMIT $3";

/// What a step of the sweep came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swept {
    /// Another instance is sweeping.
    Elsewhere,
    /// This many were found overdue, of which `released` were still HELD under their lock.
    Here {
        /// Reservations found.
        found: usize,
        /// Reservations given back.
        released: usize,
        /// See [`crate::domain::Decided::violations`].
        violations: u64,
    },
}

impl Store {
    /// Gives back up to `most` reservations that were decided from `since` on and before `before`, and are still HELD.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn expire(&self, since: Timestamp, before: Timestamp, most: i64) -> Result<Swept, Error> {
        let mut transaction = self.pool.begin().await?;
        let ours: bool = sqlx::query_scalar(ONLY_ONE).bind(SWEEPING).fetch_one(&mut *transaction).await?;
        if !ours {
            return Ok(Swept::Elsewhere);
        }
        let overdue = overdue(&mut transaction, since, before, most).await?;
        let found = overdue.len();
        if found == 0 {
            return Ok(Swept::Here { found, released: 0, violations: 0 });
        }
        let (released, violations) = release(&mut transaction, overdue).await?;
        transaction.commit().await?;
        Ok(Swept::Here { found, released, violations })
    }
}

async fn overdue(
    connection: &mut PgConnection,
    since: Timestamp,
    before: Timestamp,
    most: i64,
) -> Result<HashMap<OrderId, Vec<StockLine>>, sqlx::Error> {
    sqlx::query(BITMAP_ON).execute(&mut *connection).await?;
    let overdue = sqlx::query(OVERDUE).bind(since.as_offset()).bind(before.as_offset()).bind(most);
    let rows = overdue.fetch_all(&mut *connection).await?;
    sqlx::query(BITMAP_OFF).execute(connection).await?;
    rows.iter().map(|row| Ok((order_id(row, 0)?, row.try_get::<Json<_>, _>(1)?.0))).collect()
}

/// Locks, looks again, and releases what is still HELD: an order may have been confirmed or cancelled meanwhile.
async fn release(
    connection: &mut PgConnection,
    mut overdue: HashMap<OrderId, Vec<StockLine>>,
) -> Result<(usize, u64), sqlx::Error> {
    let skus: BTreeSet<&str> = overdue.values().flatten().map(|line| line.sku.as_str()).collect();
    let stock = stock::lock(connection, skus).await?;
    let ids: Vec<Uuid> = overdue.keys().map(|order| order.as_uuid()).collect();
    let locked = reservations::lock(connection, &ids).await?;
    let held = locked.into_iter().filter(|(_, status)| *status == ReservationStatus::Held);
    let standing = |(order, status)| {
        let lines = overdue.remove(&order).unwrap_or_default();
        (order, Standing { status, lines })
    };
    let found = Found { stock, reservations: held.map(standing).collect() };
    let events: Vec<OrderEvent> = found.reservations.keys().copied().map(OrderEvent::Cancelled).collect();
    let decided = decide(&events, &found);

    let released_at = Timestamp::now();
    stock::set(connection, &decided.stock).await?;
    reservations::release(connection, &decided.released, released_at).await?;
    let mut events = outbox::Batch::new(SOURCE);
    for &order_id in &decided.released {
        let expired = StockReleased { order_id, reason: ReleaseReason::Expired, released_at };
        events.push(order_id.bucket(BUCKETS), &expired, None);
    }
    events.write(connection).await?;
    Ok((decided.released.len(), decided.violations))
}

//! Giving back what was reserved for orders that were never confirmed.
//!
//! An order's trace goes on here where it was left: what is told of its reservation is sent below `expire reservation`. The
//! transaction is once for all of them, and so a trace of its own, linked to each.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    time::{Duration, Instant, SystemTime},
};

use contracts::{
    OrderId, StockLine, Timestamp,
    event::{ReleaseReason, StockReleased},
    stock::ReservationStatus,
};
use messaging::{BUCKETS, outbox};
use sqlx::{Connection as _, PgConnection, Row as _, types::Json};
use telemetry::{
    context::TraceContext,
    names::{db, shop, wait},
    spans::{self, Span, in_statement},
};

use super::{
    ChangeError, Error, SWEEPING, Store,
    give_back::{GivenBack, give_back},
    rows::order_id,
};
use crate::{SOURCE, locking::Access};

/// Held until the transaction ends, so that a sweeper that dies leaves nothing behind.
const ONLY_ONE: &str = "SELECT pg_try_advisory_xact_lock($1)";

/// A block range index can be used no other way. Put back afterwards: the statements behind it are other
/// transactions' too, whose plans this connection keeps.
const BITMAP_ON: &str = "SET LOCAL enable_bitmapscan = on";
const BITMAP_OFF: &str = "SET LOCAL enable_bitmapscan = off";

/// Served by the block range index on the time.
const OVERDUE: &str = "SELECT order_id, lines, trace, direct FROM reservations
      WHERE decided_at >= $1 AND decided_at < $2 AND status = 0 LIMIT $3";

/// Reservations that were found overdue.
#[derive(Debug)]
pub struct Overdue {
    reservations: HashMap<OrderId, Reservation>,
    began: SystemTime,
    pool: Duration,
}

/// A reservation that is overdue.
#[derive(Debug)]
struct Reservation {
    lines: Vec<StockLine>,
    /// Of the span that made it, where it was recorded.
    trace: Option<TraceContext>,
    /// Whether it was made by a request.
    direct: bool,
}

impl Overdue {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.reservations.len()
    }

    /// Every SKU whose stock changes when they are given back.
    pub fn skus(&self) -> BTreeSet<&str> {
        self.reservations.values().flat_map(|overdue| &overdue.lines).map(|line| line.sku.as_str()).collect()
    }
}

/// What a step of the sweep came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swept {
    /// Another instance is sweeping.
    Elsewhere,
    /// Some were given back.
    Here {
        /// Those that were still HELD.
        released: usize,
        /// See [`crate::domain::Decided::violations`].
        violations: u64,
    },
}

impl Store {
    /// Finds up to `most` reservations that were decided from `since` on and before `before`, and are still HELD; `None`
    /// where another instance is at it.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn overdue(&self, since: Timestamp, before: Timestamp, most: i64) -> Result<Option<Overdue>, Error> {
        let (began, clock) = (SystemTime::now(), Instant::now());
        let mut connection = self.pool.acquire().await?;
        let pool = clock.elapsed();
        let mut transaction = connection.begin().await?;
        if !is_ours(&mut transaction).await? {
            return Ok(None);
        }
        let reservations = overdue(&mut transaction, since, before, most).await?;
        Ok(Some(Overdue { reservations, began, pool }))
    }

    /// Gives back those of these reservations that are still HELD. `access` is to the stock of their
    /// [SKUs](Overdue::skus).
    ///
    /// # Errors
    /// A later holder of the lock has stored, and those of the database; then nothing has happened.
    pub async fn expire(&self, overdue: Overdue, access: &Access) -> Result<Swept, ChangeError> {
        let mut told = Told::begin(&overdue);
        let swept = self.expire_in(overdue.reservations, access, &mut told).await;
        swept.inspect_err(|fault| told.fail(fault))
    }

    async fn expire_in(
        &self,
        overdue: HashMap<OrderId, Reservation>,
        access: &Access,
        told: &mut Told,
    ) -> Result<Swept, ChangeError> {
        let mut connection = self.pool.acquire().await?;
        let mut transaction = connection.begin().await?;
        if !is_ours(&mut transaction).await? {
            return Ok(Swept::Elsewhere);
        }
        self.told.enter(&mut transaction, access).await?;
        let given = release(&mut transaction, overdue, access, told).await?;
        in_statement("COMMIT", told.trace(), transaction.commit()).await?;
        self.told.done(access);
        self.gave_back(&given);
        Ok(Swept::Here { released: given.released.len(), violations: given.violations })
    }
}

/// Whether this transaction is the one that sweeps.
async fn is_ours(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(ONLY_ONE).bind(SWEEPING).fetch_one(connection).await
}

async fn overdue(
    connection: &mut PgConnection,
    since: Timestamp,
    before: Timestamp,
    most: i64,
) -> Result<HashMap<OrderId, Reservation>, sqlx::Error> {
    sqlx::query(BITMAP_ON).execute(&mut *connection).await?;
    let overdue = sqlx::query(OVERDUE).bind(since.as_offset()).bind(before.as_offset()).bind(most);
    let rows = overdue.fetch_all(&mut *connection).await?;
    sqlx::query(BITMAP_OFF).execute(connection).await?;
    let overdue = rows.iter().map(|row| {
        let trace: Option<&str> = row.try_get(2)?;
        let lines = row.try_get::<Json<_>, _>(1)?.0;
        let trace = trace.and_then(|text| text.parse().ok());
        Ok((order_id(row, 0)?, Reservation { lines, trace, direct: row.try_get(3)? }))
    });
    overdue.collect()
}

/// Locks, looks again, and releases what is still HELD: an order may have been confirmed or cancelled meanwhile.
async fn release(
    connection: &mut PgConnection,
    overdue: HashMap<OrderId, Reservation>,
    access: &Access,
    told: &mut Told,
) -> Result<GivenBack, ChangeError> {
    let mut direct = HashSet::new();
    let mut lines = HashMap::with_capacity(overdue.len());
    for (order, reservation) in overdue {
        if reservation.direct {
            direct.insert(order);
        }
        lines.insert(order, reservation.lines);
    }
    let (released_at, trace) = (Timestamp::now(), told.trace());
    let given = give_back(connection, lines, &[ReservationStatus::Held], access, (released_at, trace)).await?;
    let mut events = outbox::Batch::new(SOURCE);
    for &order_id in &given.released {
        // Nobody else knows of a reservation that a request has made.
        if direct.contains(&order_id) {
            told.released(order_id);
            continue;
        }
        let expired = StockReleased { order_id, reason: ReleaseReason::Expired, released_at };
        events.push(order_id.bucket(BUCKETS), &expired, told.released(order_id));
    }
    in_statement("INSERT outbox", trace, events.write(connection)).await?;
    Ok(given)
}

/// The spans of a step: of the whole, and in each recorded order's trace.
struct Told {
    of_step: Span,
    of_orders: HashMap<OrderId, Span>,
}

impl Told {
    fn begin(Overdue { reservations, began, pool }: &Overdue) -> Self {
        let mut of_orders: HashMap<OrderId, Span> = reservations
            .iter()
            .filter_map(|(order, overdue)| Some((*order, overdue.trace.filter(|trace| trace.is_sampled())?)))
            .map(|(order, trace)| {
                let mut span = spans::internal("expire reservation").parent(trace).since(*began).start();
                span.set(shop::ORDER_ID, &order.to_string());
                (order, span)
            })
            .collect();
        let contexts = of_orders.values().filter_map(Span::context);
        let mut of_step = spans::client("expire reservations").since(*began).for_all(contexts).start();
        of_step.set(db::SYSTEM_NAME, db::POSTGRESQL);
        of_step.set(db::OPERATION_BATCH_SIZE, reservations.len() as i64);
        of_step.set(wait::POOL, *pool);
        let link = of_step.context();
        of_orders.values_mut().for_each(|span| span.link(link));
        Self { of_step, of_orders }
    }

    fn trace(&self) -> Option<TraceContext> {
        self.of_step.context()
    }

    /// This order's was given back; what follows belongs under the answer.
    fn released(&mut self, order: OrderId) -> Option<TraceContext> {
        let span = self.of_orders.get_mut(&order)?;
        span.set(shop::OUTCOME, "released");
        span.context()
    }

    fn fail(&mut self, fault: &ChangeError) {
        self.of_orders.values_mut().chain([&mut self.of_step]).for_each(|span| span.fail(fault.class(), fault));
    }
}

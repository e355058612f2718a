//! Writing orders by a statement after the other, in a transaction: where keys may stand for orders already, or orders may be
//! there.

use std::{
    collections::{HashMap, HashSet},
    time::Instant,
};

use contracts::consistency::Written;
use messaging::{database::copies, sighted};
use sqlx::{
    Connection, FromRow, PgConnection, Row as _,
    postgres::{PgBindIterExt, PgRow},
};
use telemetry::{
    context::TraceContext,
    names::wait,
    spans::{Span, in_statement},
};
use uuid::Uuid;

use super::{
    super::rows::{OrderRow, order_columns},
    Attempt, Placement, claims, columns, events, insert, keys,
};
use crate::domain::{Claim, NewOrder, StoredOrder};

/// Keys come in their order, see [`claims`].
const CLAIM: &str = "INSERT INTO idempotency (key, body_hash, order_id)
     SELECT * FROM unnest($1::text[], $2::bytea[], $3::uuid[])
     ON CONFLICT (key) DO NOTHING RETURNING order_id";

/// The first try: no order of these ids can be there.
const INSERT: &str = concat!("WITH stored AS (", insert!(), ") SELECT pg_current_xact_id()::text::bigint");

/// An order that is there already was written by an earlier try whose outcome never arrived. Looking out for it costs
/// a quarter more, so the first try doesn't.
const INSERT_MISSING: &str = concat!(insert!(), " ON CONFLICT (id) DO NOTHING RETURNING id");

/// The positions of those that are there after another try, whichever has written them. Served by the primary key.
const WRITTEN: &str = concat!("SELECT ", sighted!(row "orders"), " FROM orders WHERE id = ANY($1)");

/// Served by both primary keys.
const HOLDERS: &str = concat!(
    "SELECT ",
    order_columns!(),
    ", idempotency.key, idempotency.body_hash, ",
    sighted!(row "orders"),
    "  FROM idempotency JOIN orders ON orders.id = idempotency.order_id
      WHERE idempotency.key = ANY($1)"
);

pub(super) async fn place(
    connection: &mut PgConnection,
    orders: &[&NewOrder],
    attempt: Attempt,
    span: Option<&mut Span>,
) -> Result<Written<Vec<Placement>>, sqlx::Error> {
    let trace = span.as_deref().and_then(Span::context);
    let began = Instant::now();
    let mut transaction = connection.begin().await?;
    if let Some(span) = span {
        span.set(wait::BEGIN, began.elapsed());
    }
    let claims = trace.filter(|_| orders.iter().any(|order| order.claim.is_some()));
    let won = in_statement("INSERT idempotency", claims, claim(&mut transaction, orders)).await?;
    let wins = |order: &NewOrder| order.claim.is_none() || won.contains(&order.id().as_uuid());
    let due: Vec<&NewOrder> = orders.iter().copied().filter(|order| wins(order)).collect();
    let position = insert(&mut transaction, &due, attempt, trace).await?;
    let lost: Vec<&Claim> =
        orders.iter().filter(|order| !wins(order)).filter_map(|order| order.claim.as_ref()).collect();
    let asking = trace.filter(|_| !lost.is_empty());
    let holders = in_statement("SELECT idempotency", asking, holders(&mut transaction, &lost)).await?;
    let placement = |order: &&NewOrder| match &order.claim {
        Some(claim) if !wins(order) => holders.get(&claim.key).map(|held| held.answer(claim)),
        _ => Some(Placement::Stored),
    };
    let placements = orders.iter().map(placement).collect::<Option<_>>().ok_or(sqlx::Error::RowNotFound)?;
    in_statement("COMMIT", trace, transaction.commit()).await?;
    Ok(Written::new(placements, position))
}

/// Claims the orders' keys; answers the orders that got theirs. A key that another transaction is just claiming is
/// waited for.
async fn claim(connection: &mut PgConnection, orders: &[&NewOrder]) -> Result<HashSet<Uuid>, sqlx::Error> {
    let claims = claims(orders);
    if claims.is_empty() {
        return Ok(HashSet::new());
    }
    let won = keys(sqlx::query(CLAIM), &claims).fetch_all(connection).await?;
    won.iter().map(|row| row.try_get(0)).collect()
}

/// Inserts orders, and the events of those that were not there yet. Answers the position of all of them, 0 of none.
async fn insert(
    connection: &mut PgConnection,
    orders: &[&NewOrder],
    attempt: Attempt,
    trace: Option<TraceContext>,
) -> Result<u64, sqlx::Error> {
    if orders.is_empty() {
        return Ok(0);
    }
    let statement = match attempt {
        Attempt::First => INSERT,
        Attempt::Again => INSERT_MISSING,
    };
    let inserting = columns(sqlx::query(statement), orders).fetch_all(&mut *connection);
    let rows = in_statement("INSERT orders", trace, inserting).await?;
    let (position, inserted) = match attempt {
        Attempt::First => {
            let row = rows.first().ok_or(sqlx::Error::RowNotFound)?;
            (copies::position(row.try_get(0)?), HashSet::new())
        }
        Attempt::Again => {
            let inserted: HashSet<Uuid> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
            (written(&mut *connection, orders).await?, inserted)
        }
    };
    let is_new = |order: &&NewOrder| attempt == Attempt::First || inserted.contains(&order.id().as_uuid());
    let events = events(orders.iter().copied().filter(is_new));
    in_statement("INSERT outbox", trace, events.write(connection)).await?;
    Ok(position)
}

/// The position of the newest of these orders, which are all there.
async fn written(connection: &mut PgConnection, orders: &[&NewOrder]) -> Result<u64, sqlx::Error> {
    let ids = orders.iter().map(|order| order.id().as_uuid()).bind_iter();
    let rows = sqlx::query(WRITTEN).bind(ids).fetch_all(connection).await?;
    let positions: Vec<u64> = rows.iter().map(copies::shown).collect::<Result<_, _>>()?;
    Ok(positions.into_iter().max().unwrap_or_default())
}

/// The order that holds a key, with what it asked for.
struct Held {
    order: Written<StoredOrder>,
    key: String,
    body_hash: Vec<u8>,
}

impl Held {
    fn answer(&self, claim: &Claim) -> Placement {
        if self.body_hash == claim.fingerprint.as_bytes() {
            Placement::Repeated(Box::new(self.order.clone()))
        } else {
            Placement::KeyTaken
        }
    }
}

impl<'r> FromRow<'r, PgRow> for Held {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        let OrderRow(order) = OrderRow::from_row(row)?;
        Ok(Self {
            order: Written::new(order, copies::shown(row)?),
            key: row.try_get("key")?,
            body_hash: row.try_get("body_hash")?,
        })
    }
}

/// The orders that hold these claims' keys, by key.
async fn holders(connection: &mut PgConnection, claims: &[&Claim]) -> Result<HashMap<String, Held>, sqlx::Error> {
    let keys: Vec<&str> = claims.iter().map(|claim| claim.key.as_str()).collect();
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let held: Vec<Held> = sqlx::query_as(HOLDERS).bind(keys).fetch_all(connection).await?;
    Ok(held.into_iter().map(|held| (held.key.clone(), held)).collect())
}

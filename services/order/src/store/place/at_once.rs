//! Writing orders by one statement, which is a transaction of its own.

use messaging::{database::copies, saying};
use sqlx::{PgConnection, Row as _};
use telemetry::{context::TraceContext, spans::in_statement};

use super::{claims, columns, events, insert, keys};
use crate::domain::NewOrder;

/// Everything that a transaction of several statements does, in one round trip instead of five: at low rates these are what an
/// order costs. Does nothing, and answers null, where one of the keys stands for an order already. Keys come in their order,
/// as by steps.
const PLACE: &str = concat!(
    "WITH held AS MATERIALIZED (SELECT EXISTS (SELECT FROM idempotency WHERE key = ANY($7)) AS any), claimed AS (
         INSERT INTO idempotency (key, body_hash, order_id)
         SELECT * FROM unnest($7::text[], $8::bytea[], $9::uuid[]) WHERE NOT (SELECT held.any FROM held)
     ), stored AS (",
    insert!(),
    "     WHERE NOT (SELECT held.any FROM held)
     ), said AS (",
    saying!("$10", "$11", "$12"),
    "     WHERE NOT (SELECT held.any FROM held)
     )
     SELECT CASE WHEN held.any THEN NULL ELSE pg_current_xact_id()::text::bigint END FROM held"
);

/// The statement in a few words.
const SUMMARY: &str = "INSERT idempotency INSERT orders INSERT outbox";

/// Stores orders that were never tried to be stored before, with their keys and events, and answers their position; `None`,
/// and nothing is stored, where a key stands for an order already, or for two of these.
pub(super) async fn place(
    connection: &mut PgConnection,
    orders: &[&NewOrder],
    trace: Option<TraceContext>,
) -> Result<Option<u64>, sqlx::Error> {
    let claims = claims(orders);
    if claims.windows(2).any(|two| two[0].0.key == two[1].0.key) {
        return Ok(None);
    }
    let placing = keys(columns(sqlx::query(PLACE), orders), &claims);
    let placing = events(orders.iter().copied()).bind(placing).fetch_one(connection);
    match in_statement(SUMMARY, trace, placing).await {
        Ok(row) => Ok(row.try_get::<Option<i64>, _>(0)?.map(copies::position)),
        Err(error) if is_taken(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether another transaction has claimed one of the keys at the same time.
fn is_taken(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|refused| refused.constraint() == Some("idempotency_pkey"))
}

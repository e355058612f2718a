//! Taking decisions by one statement, which is a transaction of its own.

use std::collections::HashSet;

use contracts::order::OrderStatus;
use messaging::{consumer::HandleError, crash, inbox, outbox, saying};
use sqlx::{PgConnection, Row as _};
use telemetry::spans::in_statement;

use super::{
    super::{
        rows::order_columns,
        transitions::{self, moved_columns},
    },
    News, Taken, With, confirm,
};
use crate::SOURCE;

/// More than this are taken by steps: round trips are no matter then, and looking for orders before they are moved is.
const MOST: usize = 64;

const SUPERSEDED: i32 = 1;
const NOT_PENDING: i32 = 2;

/// Everything that a transaction of several statements does, in one round trip instead of five: at low rates these are what an
/// order costs. Moves nothing unless all positions stand where the batch begins, and all orders still wait for this decision,
/// which is what is said to the world in the same statement. The primary keys serve all of it.
macro_rules! settle {
    ($($returned:expr),+) => {
        concat!(
            "WITH ",
            inbox!(locked),
            ", told AS (
                SELECT * FROM unnest($5::uuid[], $6::smallint[], $7::timestamptz[], $8::timestamptz[], $9::timestamptz[],
                                     $10::jsonb[])
                  WITH ORDINALITY AS told (id, status, published_at, received_at, reserved_at, rejection, ordinal)
            ), pending AS (
                SELECT told.* FROM orders JOIN told USING (id)
                 WHERE orders.status = 0 AND orders.reserved_at IS NULL ORDER BY told.id FOR UPDATE OF orders
            ), seen AS MATERIALIZED (
                SELECT CASE WHEN (SELECT count(*) FROM positions) < cardinality($1) THEN 1
                            WHEN (SELECT count(*) FROM pending) < cardinality($5) THEN 2
                            ELSE 0 END AS fault
            ), advanced AS (",
            inbox!(moving),
            "     AND (SELECT seen.fault FROM seen) = 0
            ), moved AS (
                UPDATE orders SET status = told.status, decided_at = $11, published_at = told.published_at,
                       received_at = told.received_at, reserved_at = told.reserved_at, rejection = told.rejection
                  FROM pending AS told WHERE orders.id = told.id AND (SELECT seen.fault FROM seen) = 0
                RETURNING ",
            $($returned,)+
            "), said AS (",
            saying!("$12", "$13", "$14"),
            "     WHERE (SELECT seen.fault FROM seen) = 0
            )
            SELECT moved.*, seen.fault FROM seen LEFT JOIN moved ON true"
        )
    };
}

const SETTLE: &str = settle!(moved_columns!());
const SETTLE_AND_READ: &str = settle!(order_columns!(), ", ", moved_columns!());

/// The statement in a few words.
const SUMMARY: &str = "UPDATE inbox_position UPDATE orders INSERT outbox";

/// Takes a batch that is nothing but decisions of orders that wait for one; `None`, and nothing has happened, where it is not.
pub(super) async fn settle(
    connection: &mut PgConnection,
    news: &News<'_>,
    with: With<'_>,
) -> Result<Option<Taken>, HandleError> {
    let News { verdicts, releases, broken } = news;
    if verdicts.is_empty() || verdicts.len() > MOST || !releases.is_empty() || !broken.is_empty() {
        return Ok(None);
    }
    let orders: HashSet<_> = verdicts.iter().map(|told| told.what.order_id).collect();
    if orders.len() < verdicts.len() {
        return Ok(None);
    }
    let mut events = outbox::Batch::new(SOURCE);
    for told in verdicts.iter().filter(|told| told.what.status() == OrderStatus::Confirmed) {
        confirm(&mut events, told, with);
    }
    let statement = inbox::bind(sqlx::query(if with.reads { SETTLE_AND_READ } else { SETTLE }), with.batch.spans());
    let statement = transitions::bind(statement, || verdicts.iter().map(|told| &told.what), with.now);
    crash::point("consumer.before-commit");
    let settling = events.bind(statement).fetch_all(connection);
    let rows = in_statement(SUMMARY, with.batch.trace(), settling).await?;
    match rows.first().ok_or(sqlx::Error::RowNotFound)?.try_get("fault")? {
        SUPERSEDED => return Err(HandleError::Superseded),
        NOT_PENDING => return Ok(None),
        _ => {}
    }
    let moved: Vec<_> = rows.iter().map(|row| transitions::moved(row, with.reads)).collect::<Result<_, _>>()?;
    let mut taken = Taken::default();
    taken.verdicts(verdicts, &moved, with);
    Ok(Some(taken))
}

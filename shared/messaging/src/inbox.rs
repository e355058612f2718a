//! The inbox: how far each partition has been taken, kept with the effects themselves.

use std::collections::BTreeMap;

use contracts::topics::Topic;
use sqlx::{
    PgConnection, PgExecutor, Postgres,
    postgres::{PgArguments, PgBindIterExt},
    query::Query,
};

/// The part of one partition that a batch holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The topic's name on the broker.
    pub topic: String,
    /// Which of ours it is.
    pub kind: Topic,
    /// Which partition.
    pub partition: i32,
    /// The first offset the batch holds.
    pub first: i64,
    /// One past the last offset the batch holds.
    pub next: i64,
}

/// Why a batch's positions could not be moved.
#[derive(Debug, thiserror::Error)]
pub enum AdvanceError {
    /// Another consumer has taken some of these messages already. The transaction must be rolled back; the consumer
    /// comes back with what is left.
    #[error("another consumer has taken part of this batch")]
    Superseded,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Parts of a statement that moves a batch's positions, by itself or with the batch's effects: of one whose first four
/// parameters are [`bind`]'s.
///
/// `locked` are the queries `batch`, of its positions, and `positions`, of those rows that stand where it begins or before,
/// locked. Another consumer has taken some of the batch where these are fewer. Rows are locked in one order, so that two
/// batches of several partitions can't wait for each other.
///
/// `moving` is the statement that moves `positions`, up to where its conditions go on behind an `AND`.
#[macro_export]
macro_rules! inbox {
    (locked) => {
        "batch AS (
        SELECT * FROM unnest($1::text[], $2::integer[], $3::bigint[], $4::bigint[])
                   AS batch (topic, partition, next_offset, first_offset)
    ), positions AS (
        SELECT stored.topic, stored.partition, batch.next_offset
          FROM inbox_position AS stored JOIN batch USING (topic, partition)
         WHERE stored.next_offset <= batch.first_offset
         ORDER BY stored.topic, stored.partition
           FOR UPDATE OF stored
    )"
    };
    (moving) => {
        "UPDATE inbox_position AS stored SET next_offset = positions.next_offset
      FROM positions WHERE stored.topic = positions.topic AND stored.partition = positions.partition"
    };
}

const ADVANCE: &str = concat!("WITH ", inbox!(locked), " ", inbox!(moving));

/// Moves the positions over a batch, in the transaction of its effects, and so lets exactly one transaction ever take
/// a message: of two consumers with the same messages (one paused, one taking over) the second finds the position
/// moved. Call it first in the transaction: what it refuses need not be worked on.
///
/// # Errors
/// [`AdvanceError::Superseded`] when a position already stands beyond the batch's first offset.
pub async fn advance(connection: &mut PgConnection, spans: &[Span]) -> Result<(), AdvanceError> {
    let moved = bind(sqlx::query(ADVANCE), spans).execute(connection).await?.rows_affected();
    if moved == spans.len() as u64 { Ok(()) } else { Err(AdvanceError::Superseded) }
}

/// A batch's positions as the first four parameters of a statement with the parts of [`inbox!`](crate::inbox!).
pub fn bind<'q>(statement: Query<'q, Postgres, PgArguments>, spans: &[Span]) -> Query<'q, Postgres, PgArguments> {
    statement
        .bind(spans.iter().map(|span| span.topic.as_str()).bind_iter())
        .bind(spans.iter().map(|span| span.partition).bind_iter())
        .bind(spans.iter().map(|span| span.next).bind_iter())
        .bind(spans.iter().map(|span| span.first).bind_iter())
}

/// The spans of a transaction that takes several batches together, which follow each other.
pub fn joined<'a>(batches: impl IntoIterator<Item = &'a [Span]>) -> Vec<Span> {
    let mut joined: BTreeMap<(&str, i32), Span> = BTreeMap::new();
    for span in batches.into_iter().flatten() {
        let of_partition = joined.entry((&span.topic, span.partition)).or_insert_with(|| span.clone());
        of_partition.first = of_partition.first.min(span.first);
        of_partition.next = of_partition.next.max(span.next);
    }
    joined.into_values().collect()
}

/// These spans for a transaction that takes some of their messages: it locks the positions until it ends, and leaves them where
/// they are. All of the messages come again if nothing else happens, and must find these effects then.
pub fn held(spans: Vec<Span>) -> Vec<Span> {
    spans.into_iter().map(|span| Span { next: span.first, ..span }).collect()
}

/// Where each of these partitions is to be read on; partitions never read before start at 0.
///
/// # Errors
/// Those of the database.
pub(crate) async fn positions(
    executor: impl PgExecutor<'_>,
    topics: &[String],
) -> Result<Vec<(String, i32, i64)>, sqlx::Error> {
    sqlx::query_as("SELECT topic, partition, next_offset FROM inbox_position WHERE topic = ANY($1)")
        .bind(topics)
        .fetch_all(executor)
        .await
}

/// Makes sure each partition has its row, at 0, and puts back to `end` those that stand beyond the partition's end:
/// a broker that lost its data, or another broker, numbers anew. Messages that come twice by this are harmless,
/// because effects are idempotent; messages passed over would not be.
///
/// # Errors
/// Those of the database.
pub(crate) async fn reconcile(
    executor: impl PgExecutor<'_>,
    topic: &str,
    partition: i32,
    low: i64,
    end: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO inbox_position AS stored (topic, partition, next_offset) VALUES ($1, $2, 0)
         ON CONFLICT (topic, partition) DO UPDATE SET next_offset = $3 WHERE stored.next_offset > $4",
    )
    .bind(topic)
    .bind(partition)
    .bind(low)
    .bind(end)
    .execute(executor)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(partition: i32, first: i64, next: i64) -> Span {
        Span { topic: "orders.v1".to_owned(), kind: Topic::Orders, partition, first, next }
    }

    #[test]
    fn batches_that_follow_each_other_are_one() {
        let (one, other) = ([span(1, 5, 8), span(3, 0, 2)], [span(1, 8, 9), span(0, 7, 8)]);
        let joined = joined([one.as_slice(), other.as_slice()]);
        assert_eq!(joined, [span(0, 7, 8), span(1, 5, 9), span(3, 0, 2)]);
        let held = held(joined);
        assert_eq!(held, [span(0, 7, 7), span(1, 5, 5), span(3, 0, 0)], "nothing is passed over");
    }
}

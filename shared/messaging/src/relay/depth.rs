//! How much waits in the buckets that this instance relays, looked at once in a while.

use std::time::Duration;

use contracts::Timestamp;
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::buckets::Owned;
use crate::{metric_definitions::METRICS, trace};

const EVERY: Duration = Duration::from_secs(5);

/// Reads rows, and none of the messages in them, which are stored apart where they are large. Rows that wait are few
/// unless Kafka is away, and no index would make counting them cheaper.
const DEPTH: &str =
    "SELECT coalesce(sum(message_count), 0)::bigint, min(written_at) FROM outbox WHERE bucket = ANY($1)";

/// Looks until `stopped`, on a connection of its own, so that nothing waits for it.
pub(super) async fn measure(database: PgConnectOptions, owned: Owned, stopped: CancellationToken) {
    let mut connection = None;
    loop {
        tokio::select! {
            () = sleep(EVERY) => {}
            () = stopped.cancelled() => break,
        }
        let buckets: Vec<i16> = owned.borrow().iter().map(|&bucket| bucket as i16).collect();
        // The relay itself says what is wrong with the database; meanwhile the figures stay as they were.
        let looked = tokio::select! {
            looked = look(&database, &mut connection, &buckets) => looked,
            () = stopped.cancelled() => break,
        };
        match looked {
            Ok((messages, oldest)) => tell(messages, oldest),
            Err(error) => {
                tracing::debug!(%error, "outbox not measured");
                connection = None;
            }
        }
    }
    // Others relay what is left, and count it.
    tell(0, None);
}

async fn look(
    database: &PgConnectOptions,
    connection: &mut Option<PgConnection>,
    buckets: &[i16],
) -> Result<(i64, Option<time::OffsetDateTime>), sqlx::Error> {
    if buckets.is_empty() {
        return Ok((0, None));
    }
    let open = match connection.take() {
        Some(open) => open,
        None => PgConnection::connect_with(database).await?,
    };
    let open = connection.insert(open);
    sqlx::query_as(DEPTH).bind(buckets).fetch_one(open).await
}

fn tell(messages: i64, oldest: Option<time::OffsetDateTime>) {
    let age = oldest.map(|oldest| trace::duration(Timestamp::now().micros_since(Timestamp::from(oldest))));
    METRICS.outbox_depth.record(messages, &[]);
    METRICS.outbox_age.record(age.unwrap_or_default().as_secs_f64(), &[]);
}

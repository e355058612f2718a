//! Which buckets this instance relays: session-level advisory locks, shared fairly among the instances that live.

use std::{collections::BTreeSet, time::Duration};

use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use tokio::{sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::{BUCKETS, metric_definitions::METRICS};

/// First keys of the two-part advisory locks: one for buckets, one that every living relay holds on its own backend.
const BUCKET_CLASS: i32 = 0x504C_0001;
const MEMBER_CLASS: i32 = 0x504C_0002;

const TICK: Duration = Duration::from_millis(500);

/// The buckets owned now, and a way to learn of changes.
pub(super) type Owned = watch::Receiver<BTreeSet<u16>>;

/// Starts competing for buckets, until `stopped`; then all are given up.
pub(super) fn start(database: PgConnectOptions, stopped: CancellationToken) -> (Owned, JoinHandle<()>) {
    let (sender, receiver) = watch::channel(BTreeSet::new());
    let task = tokio::spawn(async move {
        while !stopped.is_cancelled() {
            let failed = hold(&database, &sender, stopped.clone()).await;
            set(&sender, BTreeSet::new());
            if let Err(error) = failed {
                tracing::warn!(%error, "outbox buckets lost with their connection");
            }
            tokio::select! {
                () = tokio::time::sleep(TICK) => {}
                () = stopped.cancelled() => {}
            }
        }
    });
    (receiver, task)
}

/// Competes on one connection until it fails or the relay stops.
async fn hold(
    database: &PgConnectOptions,
    sender: &watch::Sender<BTreeSet<u16>>,
    stopped: CancellationToken,
) -> Result<(), sqlx::Error> {
    let mut connection = PgConnection::connect_with(database).await?;
    sqlx::query("SELECT pg_advisory_lock($1, pg_backend_pid())").bind(MEMBER_CLASS).execute(&mut connection).await?;
    loop {
        let share = fair_share(&mut connection).await?;
        let mut owned = sender.borrow().clone();
        while owned.len() > share {
            // The session still lets what it sent of this bucket arrive; a new owner may send it again, which is
            // harmless.
            let Some(bucket) = owned.pop_last() else { break };
            set(sender, owned.clone());
            sqlx::query("SELECT pg_advisory_unlock($1, $2)")
                .bind(BUCKET_CLASS)
                .bind(i32::from(bucket))
                .execute(&mut connection)
                .await?;
        }
        for bucket in (0..BUCKETS).filter(|bucket| !sender.borrow().contains(bucket)) {
            if owned.len() >= share {
                break;
            }
            let (taken,): (bool,) = sqlx::query_as("SELECT pg_try_advisory_lock($1, $2)")
                .bind(BUCKET_CLASS)
                .bind(i32::from(bucket))
                .fetch_one(&mut connection)
                .await?;
            if taken {
                owned.insert(bucket);
            }
        }
        set(sender, owned);
        tokio::select! {
            () = tokio::time::sleep(TICK) => {}
            () = stopped.cancelled() => return connection.close().await,
        }
    }
}

/// This instance's share of the buckets, rounded up.
async fn fair_share(connection: &mut PgConnection) -> Result<usize, sqlx::Error> {
    let (members,): (i64,) = sqlx::query_as(
        "SELECT count(*) FROM pg_locks
          WHERE locktype = 'advisory' AND granted AND classid::bigint = $1 AND objsubid = 2
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
    )
    .bind(i64::from(MEMBER_CLASS))
    .fetch_one(connection)
    .await?;
    Ok(usize::from(BUCKETS).div_ceil(usize::try_from(members.max(1)).unwrap_or(1)))
}

fn set(sender: &watch::Sender<BTreeSet<u16>>, owned: BTreeSet<u16>) {
    sender.send_if_modified(|current| {
        METRICS.owned_buckets.add(owned.len() as i64 - current.len() as i64, &[]);
        let changed = *current != owned;
        *current = owned;
        changed
    });
}

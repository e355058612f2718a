//! PostgreSQL's replica: how it is reached, how far it is, and how it is held back.

use std::{net::SocketAddr, time::Duration};

use serde::{Deserialize, Serialize};
use sqlx::{ConnectOptions, Connection, PgConnection, Row};
use tokio::time::timeout;

use super::Postgres;
use crate::install::SUPERUSER;

/// How long either server may take to answer how far it is.
const PATIENCE: Duration = Duration::from_secs(2);

/// Positions are bytes of the log (`pg_lsn`). A replica that has replayed all that it was sent lags by no time, however
/// long ago that was written.
const OF_REPLICA: &str = "SELECT pg_last_wal_replay_lsn()::text, (pg_last_wal_replay_lsn() - '0/0'::pg_lsn)::bigint,
        coalesce(extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()), 0)::float8,
        pg_get_wal_replay_pause_state() <> 'not paused',
        EXISTS (SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming')";
const OF_PRIMARY: &str = "SELECT pg_current_wal_lsn()::text, (pg_current_wal_lsn() - '0/0'::pg_lsn)::bigint";

/// How PostgreSQL's replica is reached.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Replica {
    primary: Postgres,
    own: Postgres,
}

/// How far a replica is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// Whether the primary sends it what it writes.
    pub streaming: bool,
    /// Whether it was told to replay nothing.
    pub paused: bool,
    /// Up to where the primary has written, as PostgreSQL writes a position in the log; `None` while it does not answer.
    pub written: Option<String>,
    /// Up to where the replica has replayed.
    pub replayed: String,
    /// How many bytes lie between.
    pub behind_bytes: Option<u64>,
    /// How long ago what it replayed last was committed; none where nothing lies between.
    pub behind: Duration,
}

impl Replica {
    pub(in crate::servers) fn new(primary: Postgres, own: Postgres) -> Self {
        Self { primary, own }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.own.address()
    }

    /// The URL of a database for a role: those of the primary, with the same passwords.
    pub fn url(&self, database: &str, role: &str) -> String {
        self.own.url(database, role)
    }

    /// Has it replay nothing until [`resume_replay`](Self::resume_replay), or until it is restarted. What it is sent
    /// meanwhile it keeps. Returns when it stands still.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn pause_replay(&self) -> Result<(), sqlx::Error> {
        let mut connection = superuser(&self.own).await?;
        sqlx::query("SELECT pg_wal_replay_pause()").execute(&mut connection).await?;
        let mut state = String::new();
        while state != "paused" {
            // Asked for is not done: it ends what it is replaying, and wakes up for that once a second where there is nothing.
            tokio::time::sleep(Duration::from_millis(10)).await;
            state = sqlx::query_scalar("SELECT pg_get_wal_replay_pause_state()").fetch_one(&mut connection).await?;
        }
        connection.close().await
    }

    /// Lets it replay on.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn resume_replay(&self) -> Result<(), sqlx::Error> {
        let mut connection = superuser(&self.own).await?;
        sqlx::query("SELECT pg_wal_replay_resume()").execute(&mut connection).await?;
        connection.close().await
    }

    /// How far it is.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn standing(&self) -> Result<Standing, sqlx::Error> {
        // The primary first: what is written between the two looks is not called a lag.
        let written = timeout(PATIENCE, written(&self.primary)).await.ok().and_then(Result::ok);
        let asking = async { sqlx::query(OF_REPLICA).fetch_one(&mut superuser(&self.own).await?).await };
        let row = timeout(PATIENCE, asking).await.map_err(|_| sqlx::Error::PoolTimedOut)??;
        let position: i64 = row.try_get(1)?;
        let behind_bytes = written.as_ref().map(|(_, written)| written.saturating_sub(position).max(0).unsigned_abs());
        let behind = if behind_bytes == Some(0) { 0.0 } else { row.try_get::<f64, _>(2)?.max(0.0) };
        Ok(Standing {
            streaming: row.try_get(4)?,
            paused: row.try_get(3)?,
            written: written.map(|(text, _)| text),
            replayed: row.try_get(0)?,
            behind_bytes,
            behind: Duration::from_secs_f64(behind),
        })
    }
}

async fn written(primary: &Postgres) -> Result<(String, i64), sqlx::Error> {
    sqlx::query_as(OF_PRIMARY).fetch_one(&mut superuser(primary).await?).await
}

async fn superuser(server: &Postgres) -> Result<PgConnection, sqlx::Error> {
    server.options(SUPERUSER, "postgres").connect().await
}

//! Streaming replication: a PostgreSQL that follows another (PostgreSQL's documentation, chapter 27).
//!
//! The primary keeps its log for the replica in a replication slot, so that one that was away catches up; but no more than
//! [`OF_A_PRIMARY`] says, so that one that never comes back does not fill the disk. A replica that lacks more is copied anew.

use std::{io, path::Path, process::Command};

use sqlx::{Connection, PgConnection};

use super::handles;
use crate::{folder, process::User};

/// The role that a replica connects as.
pub(super) const REPLICATOR: &str = "plumbline_replicator";
/// The slot in which the primary keeps its log for the replica.
const SLOT: &str = "plumbline_replica";
/// A cluster that has this file follows another.
pub(super) const SIGNAL: &str = "standby.signal";

/// Settings of whatever may be followed.
pub(super) const OF_A_PRIMARY: &str = "\
max_slot_wal_keep_size = 2GB
";

/// Settings of whatever follows `primary`.
pub(super) fn of_a_replica(primary: &handles::Postgres) -> String {
    let address = primary.address();
    format!(
        "\
primary_conninfo = 'host={host} port={port} user={REPLICATOR} password={password} application_name=replica'
primary_slot_name = '{SLOT}'
hot_standby = on
# Rows that a statement here still reads are not vacuumed there: no statement is cancelled for it.
hot_standby_feedback = on
wal_receiver_status_interval = 1s
# The primary may be away for as long as a restart takes.
wal_retrieve_retry_interval = 100ms
",
        host = address.ip(),
        port = address.port(),
        password = primary.password(REPLICATOR),
    )
}

/// What the primary has for a replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// All of its log since the replica was there.
    All,
    /// Some of that is gone, or never was kept.
    Lost,
}

/// Has the primary keep its log for a replica from now on, and answers what it had kept until now.
pub(super) async fn keep(primary: &handles::Postgres) -> sqlx::Result<Kept> {
    let mut connection = primary.connect_quietly().await?;
    primary.ensure_role_that(&mut connection, REPLICATOR, "REPLICATION").await?;
    let status = "SELECT wal_status FROM pg_replication_slots WHERE slot_name = $1";
    let status: Option<Option<String>> = sqlx::query_scalar(status).bind(SLOT).fetch_optional(&mut connection).await?;
    let kept = match status.flatten().as_deref() {
        Some("reserved" | "extended" | "unreserved") => Kept::All,
        _ => {
            drop_slot(&mut connection).await?;
            sqlx::query("SELECT pg_create_physical_replication_slot($1, true)")
                .bind(SLOT)
                .execute(&mut connection)
                .await?;
            Kept::Lost
        }
    };
    connection.close().await?;
    Ok(kept)
}

async fn drop_slot(connection: &mut PgConnection) -> sqlx::Result<()> {
    let statement =
        "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1 AND NOT active";
    sqlx::query(statement).bind(SLOT).execute(connection).await?;
    Ok(())
}

/// Copies a primary that runs. Its checkpoint is made at once, which is what takes long otherwise.
pub(super) fn copy(programs: &Path, primary: &handles::Postgres, to: &Path, user: Option<User>) -> io::Result<()> {
    let address = primary.address();
    let mut command = Command::new(programs.join("pg_basebackup"));
    command.args(["--checkpoint=fast", "--wal-method=stream", "--no-sync", "--no-password", "--slot", SLOT]);
    command.args(["--host", &address.ip().to_string(), "--port", &address.port().to_string()]);
    command.args(["--username", REPLICATOR, "--pgdata"]).arg(to).current_dir("/");
    // On the command line, every process could read it.
    command.env("PGPASSWORD", primary.password(REPLICATOR));
    folder::run(command, user, "").map(drop)
}

impl handles::Postgres {
    /// Keeps no log for a replica that is there no more.
    pub(super) async fn forget_replica(&self) -> sqlx::Result<()> {
        let mut connection = self.connect_quietly().await?;
        drop_slot(&mut connection).await?;
        connection.close().await
    }
}

//! The database of a service: the one that holds its outbox and inbox beside its own tables.
//!
//! **No plan depends on a table's size.** Services' statements are all served by an index. The planner must not settle
//! for a scan while a table is still small, and keep that plan when it no longer is: scans and the joins that need them
//! are switched off on every connection.

pub mod copies;
mod error;
mod measured;

use std::{fmt, str::FromStr, time::Duration};

use sqlx::{
    Connection, PgPool,
    migrate::Migrator,
    postgres::{PgConnectOptions, PgPoolOptions},
};

pub use copies::Copies;
pub use error::{Error, InvalidUrl, PrepareError};
pub(crate) use measured::Measured;
pub use measured::acquire;

/// Planner settings, see above: what is left are index scans, and nested loops that probe an index for each row of a
/// batch. And no just-in-time compilation, which costs more than such statements take; nor a plan for each execution, which
/// could be no other: at low rates planning was a tenth of PostgreSQL's processor time.
const SETTINGS: [(&str, &str); 7] = [
    ("enable_seqscan", "off"),
    ("enable_bitmapscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("enable_memoize", "off"),
    ("jit", "off"),
    ("plan_cache_mode", "force_generic_plan"),
];

/// A connection that lay idle longer than this is asked whether it still lives before it is used.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// The advisory lock of the instance that makes tables.
const PREPARING: i64 = 0x504C_5052_4550_4152;

/// Where the database is, and who connects. Its `Debug` shows no password.
#[derive(Clone)]
pub struct Database(PgConnectOptions);

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // That of the options would show it.
        f.write_str("Database(…)")
    }
}

impl FromStr for Database {
    type Err = InvalidUrl;

    fn from_str(url: &str) -> Result<Self, InvalidUrl> {
        let known = url.starts_with("postgres://") || url.starts_with("postgresql://");
        url.parse().ok().filter(|_| known).map(Self).ok_or(InvalidUrl)
    }
}

impl Database {
    /// How a service's connections are made; PostgreSQL shows them under the service's name.
    pub fn options(&self, service: &str) -> PgConnectOptions {
        self.0.clone().application_name(service).options(SETTINGS)
    }
}

/// A pool of at most this many connections, which connects when it is first used. Waiting for one ends after 5 s.
pub fn pool(options: &PgConnectOptions, connections: u32) -> PgPool {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for > TRUSTED_IDLE {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_lazy_with(options.clone())
}

/// Brings the tables up to date: those of outbox and inbox, then the service's own. Several instances may do so at once.
///
/// # Errors
/// When the database does not answer, or a migration fails.
pub async fn prepare(pool: &PgPool, own: &Migrator) -> Result<(), PrepareError> {
    prepare_messaging(pool).await.map_err(Error::from)?;
    own.run(pool).await?;
    Ok(())
}

/// Under a lock: of two instances that make the same table at once, PostgreSQL has one fail.
async fn prepare_messaging(pool: &PgPool) -> Result<(), sqlx::Error> {
    let mut transaction = pool.begin().await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(PREPARING).execute(&mut *transaction).await?;
    sqlx::raw_sql(crate::SCHEMA).execute(&mut *transaction).await?;
    transaction.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_password() {
        let database: Database = "postgres://role:hunter2@127.0.0.1/shop".parse().unwrap();
        assert!(!format!("{database:?}").contains("hunter2"));
    }
}

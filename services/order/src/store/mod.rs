//! All SQL of this service.
//!
//! Every statement is served by an index, whatever the size of its table. The planner must not settle for a scan
//! while a table is still small, and keep that plan when it no longer is: scans and the joins that need them are
//! switched off on every connection.

mod cancel;
mod catalogue;
mod list;
mod place;
mod read;
mod rows;
mod settle;
mod transitions;

use std::{str::FromStr, time::Duration};

use sqlx::{
    Connection, PgPool, Postgres, Transaction,
    migrate::MigrateError,
    postgres::{PgConnectOptions, PgPoolOptions},
};

pub use place::{Attempt, Placement, Writer};
pub use settle::{News, Settled, Told};

/// Planner settings, see above: what is left are index scans, and nested loops that probe an index for each row of a
/// batch. And no just-in-time compilation, which costs more than our statements take.
const SETTINGS: [(&str, &str); 6] = [
    ("enable_seqscan", "off"),
    ("enable_bitmapscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("enable_memoize", "off"),
    ("jit", "off"),
];

/// A connection that lay idle longer than this is asked whether it still lives before it is used.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// The advisory lock of the instance that makes tables.
const PREPARING: i64 = 0x504C_4F52_4445_5200;

/// Why the database did not do it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is away, full, or busy with someone else's lock: the same may work later.
    #[error("the database is not available: {0}")]
    Unavailable(#[source] sqlx::Error),
    /// It refuses, and would again.
    #[error("the database refuses: {0}")]
    Refused(#[source] sqlx::Error),
}

impl Error {
    /// Whether the same may work later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as E;
        let transient = match &error {
            E::Database(refused) => refused.code().is_some_and(|code| passes(&code)),
            E::Io(_) | E::Tls(_) | E::Protocol(_) | E::PoolTimedOut | E::PoolClosed | E::WorkerCrashed => true,
            _ => false,
        };
        if transient { Self::Unavailable(error) } else { Self::Refused(error) }
    }
}

/// Whether an error of this SQLSTATE (PostgreSQL manual, appendix A) passes by itself: lost connections (class 08),
/// serialization failures and deadlocks (class 40), missing resources (53), an operator's intervention such as a
/// shutdown (57), failures of the system below (58), and a server that follows another and can't write yet (25006).
fn passes(code: &str) -> bool {
    matches!(code.get(..2), Some("08" | "40" | "53" | "57" | "58")) || code == "25006"
}

/// Why the database could not be made ready.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// It did not answer, or refused.
    #[error(transparent)]
    Database(#[from] Error),
    /// Its tables could not be brought up to date.
    #[error("migration: {0}")]
    Migration(#[from] MigrateError),
}

impl PrepareError {
    /// Whether the same may work later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Database(error) => error.is_transient(),
            Self::Migration(_) => false,
        }
    }
}

/// Text that is no URL of a PostgreSQL database.
#[derive(Debug, thiserror::Error)]
#[error("not the URL of a PostgreSQL database")]
pub struct InvalidUrl;

/// Where the database is, and who connects.
#[derive(Debug, Clone)]
pub struct Database(PgConnectOptions);

impl FromStr for Database {
    type Err = InvalidUrl;

    fn from_str(url: &str) -> Result<Self, InvalidUrl> {
        let known = url.starts_with("postgres://") || url.starts_with("postgresql://");
        url.parse().ok().filter(|_| known).map(Self).ok_or(InvalidUrl)
    }
}

/// The database of this service. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    pool: PgPool,
    options: PgConnectOptions,
}

impl Store {
    /// A store on this database, with at most `connections` at once besides those of its [`Writer`]s. Connects when it
    /// is first used.
    pub fn new(database: &Database, connections: u32) -> Self {
        let options = database.0.clone().application_name("plumbline-order").options(SETTINGS);
        let pool = PgPoolOptions::new()
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
            .connect_lazy_with(options.clone());
        Self { pool, options }
    }

    /// Brings the tables up to date. Several instances may do so at once.
    ///
    /// # Errors
    /// When the database does not answer, or a migration fails.
    pub async fn prepare(&self) -> Result<(), PrepareError> {
        self.prepare_messaging().await.map_err(Error::from)?;
        sqlx::migrate!("./migrations").run(&self.pool).await?;
        Ok(())
    }

    /// Under a lock: of two instances that make the same table at once, PostgreSQL has one fail.
    async fn prepare_messaging(&self) -> Result<(), sqlx::Error> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(PREPARING).execute(&mut *transaction).await?;
        sqlx::raw_sql(messaging::SCHEMA).execute(&mut *transaction).await?;
        transaction.commit().await
    }

    /// The pool, for the inbox.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// How to connect, for the relay.
    pub fn options(&self) -> &PgConnectOptions {
        &self.options
    }

    /// A writer of orders, with a connection of its own.
    pub fn writer(&self) -> Writer {
        Writer::new(self.options.clone())
    }

    /// Begins a transaction.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn begin(&self) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
        self.pool.begin().await
    }

    /// Closes every connection of the pool.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

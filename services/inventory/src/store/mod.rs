//! All SQL of this service.
//!
//! **No plan depends on a table's size.** Every statement is served by an index. The planner must not settle for a scan
//! while a table is still small, and keep that plan when it no longer is: scans and the joins that need them are
//! switched off on every connection.
//!
//! **Locks are taken in one order**: positions of the inbox, then rows of `stock` by SKU, then rows of `reservations` by
//! order id. Batches, the sweep and adjustments all keep to it, so none waits for one that waits for it.

mod adjust;
mod error;
mod expire;
mod products;
mod reservations;
mod rows;
mod stock;
mod take;

use std::{str::FromStr, time::Duration};

use sqlx::{
    Connection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

pub use adjust::Adjusted;
pub use error::{Error, InvalidUrl, PrepareError};
pub use expire::Swept;
pub use products::Put;
pub use take::{OrderNews, Taken, Told, Waits};

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

/// The advisory locks of the instance that makes tables, and of the one that sweeps.
const PREPARING: i64 = 0x504C_494E_5645_4E00;
const SWEEPING: i64 = 0x504C_494E_5645_4E01;

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
    /// A store on this database, with at most `connections` at once. Connects when it is first used.
    pub fn new(database: &Database, connections: u32) -> Self {
        let options = database.0.clone().application_name("plumbline-inventory").options(SETTINGS);
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

    /// Closes every connection of the pool.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

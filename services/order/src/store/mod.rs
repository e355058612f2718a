//! All SQL of this service.
//!
//! Every statement is served by an index, whatever the size of its table: `messaging::database` switches scans off.

mod cancel;
mod catalogue;
mod list;
mod place;
mod read;
mod rows;
mod settle;
mod transitions;

use messaging::database;
use sqlx::{PgPool, Postgres, Transaction, postgres::PgConnectOptions};

pub use database::{Database, Error, InvalidUrl, PrepareError};
pub use place::{Attempt, Placement, Writer};
pub use settle::{News, Settled, Told};

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
        let options = database.options("plumbline-order");
        let pool = database::pool(&options, connections);
        Self { pool, options }
    }

    /// Brings the tables up to date. Several instances may do so at once.
    ///
    /// # Errors
    /// When the database does not answer, or a migration fails.
    pub async fn prepare(&self) -> Result<(), PrepareError> {
        database::prepare(&self.pool, &sqlx::migrate!("./migrations")).await
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

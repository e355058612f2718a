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

use contracts::consistency::{Answer, Demand};
use messaging::database::{self, Copies, copies::Found};
use sqlx::{PgPool, Postgres, Transaction, postgres::PgConnectOptions};

pub use database::{Database, Error, InvalidUrl, PrepareError, copies::Following};
pub use place::{Attempt, Placement, Writer};
pub use settle::{News, Settled, Told};

/// What PostgreSQL shows connections as.
pub const APPLICATION: &str = "plumbline-order";

/// The database of this service. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    pool: PgPool,
    options: PgConnectOptions,
    copies: Copies,
}

impl Store {
    /// A store on this database, with at most `connections` at once besides those of its [`Writer`]s. Connects when it
    /// is first used, and reads from what follows it where it may.
    pub fn new(database: &Database, connections: u32, following: Option<&Following>) -> Self {
        let options = database.options(APPLICATION);
        let pool = database::pool(&options, connections);
        let copies = Copies::new(&pool, following);
        Self { pool, options, copies }
    }

    /// The identifier of the database cluster.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn cluster(&self) -> Result<u64, Error> {
        self.copies.cluster().await
    }

    /// Has a statement answered by whichever copy of the database is new enough: every read that names a level comes by here,
    /// and what is kept in front of the databases is asked before it.
    async fn read<T>(
        &self,
        demand: &Demand,
        statement: impl AsyncFn(&PgPool) -> Result<Found<T>, sqlx::Error>,
    ) -> Result<Answer<T>, Error> {
        self.copies.read(demand, statement).await
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
        self.copies.close().await;
        self.pool.close().await;
    }
}

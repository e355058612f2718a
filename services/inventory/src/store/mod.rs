//! All SQL of this service.
//!
//! **No plan depends on a table's size.** Every statement is served by an index: `messaging::database` switches scans off.
//!
//! **Locks are taken in one order**: the lock of all SKUs, positions of the inbox, rows of `stock` by SKU, rows of
//! `reservations` by order id. Batches, the sweep and adjustments all keep to it, so none waits for one that waits for it.

mod adjust;
mod change;
mod direct;
mod expire;
mod give_back;
mod guard;
mod products;
mod reservations;
mod reserve;
mod rows;
mod stock;
mod take;

use std::sync::Arc;

use contracts::consistency::{Answer, Demand};
use messaging::database::{self, copies::Found};
use sqlx::{PgPool, postgres::PgConnectOptions};

pub use adjust::Adjusted;
pub use change::ChangeError;
pub use database::{Copies, Database, Error, InvalidUrl, PrepareError, copies::Following};
pub use direct::Returned;
pub use expire::{Overdue, Swept};
pub use products::Put;
pub use take::{Cancelled, OrderNews, Taken, Told, Waits};

/// What PostgreSQL shows connections as.
pub const APPLICATION: &str = "plumbline-inventory";
/// The advisory lock of the instance that sweeps.
const SWEEPING: i64 = 0x504C_494E_5645_4E01;

/// The database of this service. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    pool: PgPool,
    options: PgConnectOptions,
    copies: Copies,
    /// What the database knows of how this process guards stock.
    told: Arc<guard::Told>,
}

impl Store {
    /// A store on this database, with at most `connections` at once, which reads from what follows it where it may.
    /// Connects when it is first used.
    pub fn new(database: &Database, connections: u32, following: Option<&Following>) -> Self {
        let options = database.options(APPLICATION);
        let pool = database::pool(&options, connections);
        let copies = Copies::new(&pool, following);
        Self { pool, options, copies, told: Arc::default() }
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

    /// Closes every connection of the pool.
    pub async fn close(&self) {
        self.copies.close().await;
        self.pool.close().await;
    }
}

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
mod shelves;
mod stock;
mod take;

use std::{sync::Arc, time::Duration};

use cache::Front;
use coordination::settings::Setting;
use messaging::database::{
    self,
    copies::{Following, Identity},
};
use service::config::Databases;
use sqlx::{
    PgPool, Postgres,
    postgres::{PgArguments, PgConnectOptions},
    query::Query,
};

use shelves::Shelves;

pub use adjust::Adjusted;
pub use change::ChangeError;
pub use database::{Copies, Database, Error, InvalidUrl, PrepareError};
pub use direct::Returned;
pub use expire::{Overdue, Swept};
pub use products::Put;
pub use take::{Cancelled, OrderNews, Part, Taken, Told, Waits, With};

type Statement<'q> = Query<'q, Postgres, PgArguments>;

/// What PostgreSQL shows connections as.
const APPLICATION: &str = "plumbline-inventory";
/// The advisory lock of the instance that sweeps.
const SWEEPING: i64 = 0x504C_494E_5645_4E01;

/// The database of this service. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    pool: PgPool,
    options: PgConnectOptions,
    copies: Copies,
    shelves: Shelves,
    /// What the database knows of how this process guards stock.
    told: Arc<guard::Told>,
}

impl Store {
    /// A store on this database, with at most `connections` at once, and as many to what follows it: that is read where it is
    /// new enough, and is not older than `max_age` where nothing else says how new an answer has to be. Connects when it is
    /// first used.
    pub fn new(databases: &Databases<Database>, connections: u32, max_age: &Setting<Duration>) -> Self {
        let options = databases.primary.options(APPLICATION);
        let pool = database::pool(&options, connections);
        let replica = databases.replica.as_ref();
        let following = replica.map(|replica| Following::new(replica, APPLICATION, connections, max_age));
        let copies = Copies::new(&pool, following.as_ref());
        Self { pool, options, copies, shelves: Shelves::none(), told: Arc::default() }
    }

    /// The same, which reads from what is cached where it may, and tells of what it changes.
    pub fn behind(self, front: &Front) -> Self {
        Self { shelves: Shelves::of(front), ..self }
    }

    /// Which database it is.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn identity(&self) -> Result<Identity, Error> {
        self.copies.identity().await
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

    /// Tells of what it has changed, and closes every connection of the pool.
    pub async fn close(&self) {
        self.shelves.close().await;
        self.copies.close().await;
        self.pool.close().await;
    }
}

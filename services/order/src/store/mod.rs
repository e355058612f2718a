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
mod shelves;
mod transitions;

use std::time::Duration;

use cache::{Front, Shelf};
use coordination::settings::Setting;
use messaging::database::{
    self, Copies,
    copies::{Following, Identity},
};
use service::config::Databases;
use shelves::OfOrders;
use sqlx::{PgPool, Postgres, Transaction, postgres::PgConnectOptions};

pub use database::{Database, Error, InvalidUrl, PrepareError};
pub use place::{Attempt, Placement, Writer};
pub use settle::{News, Settled, Told};

/// What PostgreSQL shows connections as.
const APPLICATION: &str = "plumbline-order";

/// The database of this service. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    pool: PgPool,
    options: PgConnectOptions,
    copies: Copies,
    /// What stands in front of the copies.
    orders: Shelf<OfOrders>,
}

impl Store {
    /// A store on this database, with at most `connections` at once besides those of its [`Writer`]s, and as many to what
    /// follows it: that is read where it is new enough, and is not older than `max_age` where nothing else says how new an
    /// answer has to be. Connects when it is first used.
    pub fn new(databases: &Databases<Database>, connections: u32, max_age: &Setting<Duration>) -> Self {
        let options = databases.primary.options(APPLICATION);
        let pool = database::pool(&options, connections);
        let replica = databases.replica.as_ref();
        let following = replica.map(|replica| Following::new(replica, APPLICATION, connections, max_age));
        let copies = Copies::new(&pool, following.as_ref());
        Self { pool, options, copies, orders: Shelf::none() }
    }

    /// The same, which reads from what is cached where it may, and tells of what it changes.
    pub fn behind(self, front: &Front) -> Self {
        Self { orders: front.shelf(), ..self }
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

    /// Tells of what it has changed, and closes every connection of the pool.
    pub async fn close(&self) {
        self.orders.close().await;
        self.copies.close().await;
        self.pool.close().await;
    }
}

//! All SQL of the audit. It only reads, and knows of the tables only what their migrations say: the services' own code
//! is not used, because it is what is being audited.

mod cases;
mod outbox;
mod pages;
mod rows;
mod stock;
mod takers;

use std::{io, time::Duration};

use sqlx::{ConnectOptions as _, Connection as _, PgConnection, Postgres, Transaction, postgres::PgConnectOptions};

use crate::{AuditError, Database};

pub(crate) use cases::Cases;
pub(crate) use outbox::Frame;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// No statement reads more than a page, a table of one row a SKU, or sums, so none takes long. A sort of a million keys
/// takes some seconds.
const SETTINGS: [(&str, &str); 3] = [("statement_timeout", "60s"), ("lock_timeout", "20s"), ("jit", "off")];

const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// The first statement of a transaction also takes its snapshot.
const MISSING: &str = "SELECT name FROM unnest($1::text[]) AS name WHERE to_regclass(name) IS NULL";

/// A connection to a service's database.
#[derive(Debug)]
pub(crate) struct Connection {
    database: Database,
    connection: PgConnection,
}

impl Connection {
    /// # Errors
    /// When the URL is none, or the database does not let us in within 10 s.
    pub(crate) async fn open(database: Database, url: &str) -> Result<Self, AuditError> {
        let known = url.starts_with("postgres://") || url.starts_with("postgresql://");
        let options: Option<PgConnectOptions> = url.parse().ok().filter(|_| known);
        let options = options.ok_or(AuditError::Url { database })?;
        // A pass over a large shop has slow statements, and that is all right.
        let options = options.application_name("plumbline-audit").options(SETTINGS).disable_statement_logging();
        let connecting = tokio::time::timeout(CONNECT_TIMEOUT, PgConnection::connect_with(&options));
        let connection = connecting.await.unwrap_or_else(|_| Err(late()));
        connection
            .map(|connection| Self { database, connection })
            .map_err(|source| AuditError::Connect { database, source })
    }

    /// Begins a transaction that sees the database as it is now, until it ends.
    ///
    /// # Errors
    /// When the database fails, or lacks a table.
    pub(crate) async fn snapshot(&mut self) -> Result<Snapshot<'_>, AuditError> {
        let database = self.database;
        let mut transaction = self.connection.begin_with(BEGIN).await.map_err(failed(database))?;
        let missing = sqlx::query_scalar(MISSING).bind(tables(database)).fetch_all(&mut *transaction).await;
        let missing: Vec<String> = missing.map_err(failed(database))?;
        if missing.is_empty() {
            Ok(Snapshot { database, transaction })
        } else {
            Err(AuditError::NoTables { database, missing })
        }
    }
}

/// A database as it was at one moment.
#[derive(Debug)]
pub(crate) struct Snapshot<'c> {
    database: Database,
    transaction: Transaction<'c, Postgres>,
}

impl Snapshot<'_> {
    pub(crate) fn database(&self) -> Database {
        self.database
    }

    /// Ends the transaction: a snapshot keeps the database from cleaning up behind it.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn end(self) -> Result<(), AuditError> {
        let failed = failed(self.database);
        self.transaction.rollback().await.map_err(failed)
    }
}

fn failed(database: Database) -> impl Fn(sqlx::Error) -> AuditError + Copy {
    move |source| AuditError::Database { database, source }
}

fn tables(database: Database) -> &'static [&'static str] {
    match database {
        Database::Order => &["orders", "idempotency", "outbox"],
        Database::Inventory => &["reservations", "stock", "stock_adjustments", "outbox"],
    }
}

fn late() -> sqlx::Error {
    sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {CONNECT_TIMEOUT:?}")))
}

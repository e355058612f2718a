//! Why an audit could not be made.

use contracts::OrderId;

use crate::Database;

/// Why an audit could not be made. No message holds a password, and none holds a URL.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// A URL is none. It is not quoted: where it goes wrong may be in its password.
    #[error("the {database} database's URL is not of the form postgres://role:password@host:port/name")]
    Url {
        /// Of which database.
        database: Database,
    },
    /// A database does not let us in.
    #[error("can't connect to the {database} database: {source}")]
    Connect {
        /// Which.
        database: Database,
        /// Why.
        source: sqlx::Error,
    },
    /// A database has not the tables of its service.
    #[error(
        "the {database} database has no {}: the {database} service makes its tables when it starts, and has not \
         started here yet",
        tables(missing)
    )]
    NoTables {
        /// Which database.
        database: Database,
        /// The tables it lacks.
        missing: Vec<String>,
    },
    /// What stands in a row is not what its service writes there.
    #[error("the {database} database: the row of {table} for order {order} can't be read: {source}")]
    Row {
        /// Which database.
        database: Database,
        /// In which table.
        table: &'static str,
        /// About which order.
        order: OrderId,
        /// Why not.
        source: sqlx::Error,
    },
    /// Reading was begun, and failed.
    #[error("the {database} database could not be read: {source}")]
    Database {
        /// Which.
        database: Database,
        /// Why.
        source: sqlx::Error,
    },
    /// The broker does not say how many dead letters there are, or lacks a topic of theirs.
    #[error("Kafka at {bootstrap} does not tell how many dead letters there are: {source}")]
    Kafka {
        /// Where it was asked.
        bootstrap: String,
        /// What its client says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

fn tables(names: &[String]) -> String {
    let kind = if names.len() == 1 { "table" } else { "tables" };
    format!("{kind} {}", names.join(", "))
}

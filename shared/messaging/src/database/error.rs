//! Why the database did not do it.

use std::sync::Arc;

use sqlx::migrate::MigrateError;

/// Why the database did not do it. Cheap to clone, as many may wait for one statement.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// It is away, full, or busy with someone else's lock: the same may work later.
    #[error("the database is not available: {0}")]
    Unavailable(#[source] Arc<sqlx::Error>),
    /// It refuses, and would again.
    #[error("the database refuses: {0}")]
    Refused(#[source] Arc<sqlx::Error>),
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
        if transient { Self::Unavailable(Arc::new(error)) } else { Self::Refused(Arc::new(error)) }
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

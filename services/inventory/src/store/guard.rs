//! How stock is guarded, as the database knows it.
//!
//! Who gets no lock may still lock rows, as long as nobody stores blindly what it has read. Whether that may be is written
//! here, by everybody who goes over to another strategy, before it first stores by it; and is read by whoever falls back, in
//! its own transaction, with a lock that keeps others from going over until it has ended. The strategies themselves never
//! overlap, so what was written last holds for all who have a lock.

use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::PgConnection;

use super::ChangeError;
use crate::locking::{Access, Writes};

const TELL: &str = "UPDATE stock_guard SET careful = $1 WHERE careful <> $1";

const ASK: &str = "SELECT careful FROM stock_guard FOR SHARE";

/// What this process has told the database.
#[derive(Debug)]
pub(super) struct Told(AtomicU64);

impl Default for Told {
    fn default() -> Self {
        Self(AtomicU64::new(u64::MAX))
    }
}

impl Told {
    /// Sees to it, in the transaction that is about to change stock, that this is safe beside what others do.
    ///
    /// # Errors
    /// Others may store blindly, and those of the database.
    pub(super) async fn enter(&self, connection: &mut PgConnection, access: &Access) -> Result<(), ChangeError> {
        match access.term() {
            None if access.is_of_nothing() => Ok(()),
            Some(_) if self.knows(access) => Ok(()),
            Some(_) => {
                let careful = access.writes() != Writes::Blind;
                sqlx::query(TELL).bind(careful).execute(connection).await?;
                Ok(())
            }
            None => {
                let careful: bool = sqlx::query_scalar(ASK).fetch_one(connection).await?;
                if careful { Ok(()) } else { Err(ChangeError::Unguarded) }
            }
        }
    }

    /// Whether the database knows already how this holder of a lock stores.
    pub(super) fn knows(&self, access: &Access) -> bool {
        access.term().is_some_and(|term| self.0.load(Ordering::Acquire) == term)
    }

    /// The transaction is committed.
    pub(super) fn done(&self, access: &Access) {
        access.term().into_iter().for_each(|term| self.0.store(term, Ordering::Release));
    }
}

//! Why stock was not changed.

use locks::{Lost, Token};
use messaging::{consumer::HandleError, inbox};

use super::Error;

/// Why stock was not changed. Nothing has happened then.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// A later holder of the lock has stored, or somebody without any: this one's time was over.
    #[error("a later holder of the lock has stored meanwhile{}", .by.map(|token| format!(", with token {token}")).unwrap_or_default())]
    Overtaken {
        /// The token that the row has, where it is greater.
        by: Option<Token>,
    },
    /// The lock was lost before anything was stored.
    #[error(transparent)]
    Lost(#[from] Lost),
    /// No lock is to be had, and the strategy in force is one by which others store without looking.
    #[error(
        "no lock is to be had, and rows can't be locked instead while others store without looking at locks of rows"
    )]
    Unguarded,
    /// Another has stored a reservation under the same id at the same time.
    #[error("another has stored a reservation under the same id at the same time")]
    IdTaken,
    /// Another consumer has taken part of the batch.
    #[error("another consumer has taken part of this batch")]
    Superseded,
    /// The database.
    #[error(transparent)]
    Database(#[from] Error),
}

impl ChangeError {
    /// Its class, for spans and metrics.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Overtaken { .. } => "overtaken",
            Self::Lost(_) => "lost",
            Self::Unguarded => "unguarded",
            Self::IdTaken => "id_taken",
            Self::Superseded => "superseded",
            Self::Database(_) => "database",
        }
    }
}

impl From<sqlx::Error> for ChangeError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

impl From<inbox::AdvanceError> for ChangeError {
    fn from(error: inbox::AdvanceError) -> Self {
        match error {
            inbox::AdvanceError::Superseded => Self::Superseded,
            inbox::AdvanceError::Database(error) => error.into(),
        }
    }
}

impl From<ChangeError> for HandleError {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::Superseded => Self::Superseded,
            other => Self::Unready { class: other.class(), source: Box::new(other) },
        }
    }
}

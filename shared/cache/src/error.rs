//! What can go wrong: loads alone, as what is wrong with a cache is a miss.

use std::sync::Arc;

/// A value that is neither cached nor loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError<E> {
    /// The loader failed; whoever waited for the same load has the same error.
    #[error("{0}")]
    Failed(Arc<E>),
    /// The load ended without a value: the loader panicked, or gave another number of values than it was asked for.
    #[error("the load ended without a value")]
    Ended,
}

// Not derived, as that would ask for an error that can be cloned.
impl<E> Clone for LoadError<E> {
    fn clone(&self) -> Self {
        match self {
            Self::Failed(error) => Self::Failed(Arc::clone(error)),
            Self::Ended => Self::Ended,
        }
    }
}

impl<E> LoadError<E> {
    /// The loader's own error.
    pub fn cause(&self) -> Option<&E> {
        match self {
            Self::Failed(error) => Some(error),
            Self::Ended => None,
        }
    }

    /// Its class, for spans and metrics.
    pub(crate) fn class(&self) -> &'static str {
        match self {
            Self::Failed(_) => "load_failed",
            Self::Ended => "load_ended",
        }
    }
}

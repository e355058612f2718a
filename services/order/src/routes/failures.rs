//! What each operation's errors are over HTTP.

use service::problem::{ApiError, Kind};

use crate::{committer, operations, store};

impl From<operations::place::Error> for ApiError {
    fn from(error: operations::place::Error) -> Self {
        use operations::place::Error as E;
        match error {
            E::Invalid(faults) => Self::invalid(faults),
            E::CatalogueNotRead => Self::unavailable(error.to_string()),
            E::Commit(error) => error.into(),
        }
    }
}

impl From<committer::Error> for ApiError {
    fn from(error: committer::Error) -> Self {
        use committer::Error as E;
        match error {
            E::Full => Self::unavailable("too many orders are waiting to be stored; nothing of this one is"),
            E::Unavailable => Self::unavailable(
                "the order could not be stored in time; whether it was is not known, so send it again with the same \
                 Idempotency-Key, if it had one",
            ),
            E::KeyTaken => Self::new(
                Kind::KeyReused,
                "this Idempotency-Key came with another request before; an order that is new needs a key that is new",
            ),
            E::Refused => Self::internal(error),
        }
    }
}

impl From<operations::read::Error> for ApiError {
    fn from(error: operations::read::Error) -> Self {
        let operations::read::Error::Store(error) = error;
        stored(error)
    }
}

impl From<operations::list::Error> for ApiError {
    fn from(error: operations::list::Error) -> Self {
        let operations::list::Error::Store(error) = error;
        stored(error)
    }
}

impl From<operations::cancel::Error> for ApiError {
    fn from(error: operations::cancel::Error) -> Self {
        use operations::cancel::Error as E;
        match error {
            E::Unknown(_) => Self::not_found(error.to_string()),
            E::Rejected(_) => Self::conflict(error.to_string()),
            E::Store(error) => stored(error),
        }
    }
}

fn stored(error: store::Error) -> ApiError {
    ApiError::database(&error, error.is_transient())
}

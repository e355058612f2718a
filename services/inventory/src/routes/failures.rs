//! What each operation's errors are over HTTP.

use service::problem::{ApiError, Kind};

use crate::{operations, store};

fn stored(error: store::Error) -> ApiError {
    ApiError::database(&error, error.is_transient())
}

impl From<operations::list_products::Error> for ApiError {
    fn from(error: operations::list_products::Error) -> Self {
        let operations::list_products::Error::Store(error) = error;
        stored(error)
    }
}

impl From<operations::put_product::Error> for ApiError {
    fn from(error: operations::put_product::Error) -> Self {
        let operations::put_product::Error::Store(error) = error;
        stored(error)
    }
}

impl From<operations::read_product::Error> for ApiError {
    fn from(error: operations::read_product::Error) -> Self {
        use operations::read_product::Error as E;
        match error {
            E::Unknown(_) => Self::not_found(error.to_string()),
            E::Store(error) => stored(error),
        }
    }
}

impl From<operations::read_stock::Error> for ApiError {
    fn from(error: operations::read_stock::Error) -> Self {
        use operations::read_stock::Error as E;
        match error {
            E::Unknown(_) => Self::not_found(error.to_string()),
            E::Store(error) => stored(error),
        }
    }
}

impl From<operations::read_reservation::Error> for ApiError {
    fn from(error: operations::read_reservation::Error) -> Self {
        use operations::read_reservation::Error as E;
        match error {
            E::Unknown(_) => Self::not_found(error.to_string()),
            E::Store(error) => stored(error),
        }
    }
}

impl From<operations::adjust::Error> for ApiError {
    fn from(error: operations::adjust::Error) -> Self {
        use operations::adjust::Error as E;
        match error {
            E::Unknown(_) => Self::not_found(error.to_string()),
            E::Refused { .. } => Self::conflict(error.to_string()),
            E::KeyTaken => Self::new(
                Kind::KeyReused,
                "this Idempotency-Key came with another request before; an adjustment that is new needs a key that is \
                 new",
            ),
            E::Store(error) => stored(error),
        }
    }
}

//! What each operation's errors are over HTTP.

use locks::LockError;
use service::problem::{ApiError, Kind};

use crate::{
    gathering, operations,
    store::{self, ChangeError},
};

fn stored(error: store::Error) -> ApiError {
    ApiError::database(&error, error.is_transient())
}

/// Why goes to the log: it names servers.
fn not_locked(error: &LockError) -> ApiError {
    tracing::warn!(%error, "request failed");
    ApiError::unavailable("the stock of these products is locked by others, or no lock is to be had at the moment")
}

fn not_changed(error: &ChangeError) -> ApiError {
    match error {
        ChangeError::Database(error) => ApiError::database(error, error.is_transient()),
        other => ApiError::unavailable(format!("nothing was changed: {other}")),
    }
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

impl From<operations::list_stock::Error> for ApiError {
    fn from(error: operations::list_stock::Error) -> Self {
        let operations::list_stock::Error::Store(error) = error;
        stored(error)
    }
}

impl From<operations::read_product::Error> for ApiError {
    fn from(error: operations::read_product::Error) -> Self {
        let operations::read_product::Error::Store(error) = error;
        stored(error)
    }
}

impl From<operations::read_stock::Error> for ApiError {
    fn from(error: operations::read_stock::Error) -> Self {
        let operations::read_stock::Error::Store(error) = error;
        stored(error)
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
            E::NotLocked(error) => not_locked(&error),
            E::NotChanged(error) => not_changed(&error),
        }
    }
}

impl From<operations::reserve::Error> for ApiError {
    fn from(error: operations::reserve::Error) -> Self {
        use operations::reserve::Error as E;
        match error {
            E::Invalid(faults) => Self::invalid(faults),
            E::Lacking(lacking) => Self::insufficient_stock(lacking),
            E::KeyTaken(_) => Self::new(
                Kind::KeyReused,
                "this order_id came with other lines before; a reservation that is new needs an id that is new",
            ),
            E::OfAnOrder(_) => Self::conflict(error.to_string()),
            E::Undecided(error) => undecided(error),
        }
    }
}

fn undecided(error: gathering::Error) -> ApiError {
    use gathering::Error as E;
    match error {
        E::Full | E::Late => ApiError::unavailable(format!("{error}; send it again under the same order_id")),
        E::NotLocked(error) => not_locked(&error),
        E::NotChanged(error) => not_changed(&error),
    }
}

impl From<operations::confirm_reservation::Error> for ApiError {
    fn from(error: operations::confirm_reservation::Error) -> Self {
        use operations::confirm_reservation::Error as E;
        match error {
            E::Unknown(_) => Self::not_found(error.to_string()),
            E::OfAnOrder(_) | E::HoldsNothing(_) => Self::conflict(error.to_string()),
            E::Store(error) => stored(error),
        }
    }
}

impl From<operations::release_reservation::Error> for ApiError {
    fn from(error: operations::release_reservation::Error) -> Self {
        use operations::release_reservation::Error as E;
        match error {
            E::Unknown(_) => Self::not_found(error.to_string()),
            E::OfAnOrder(_) => Self::conflict(error.to_string()),
            E::Store(error) => stored(error),
            E::NotLocked(error) => not_locked(&error),
            E::NotChanged(error) => not_changed(&error),
        }
    }
}

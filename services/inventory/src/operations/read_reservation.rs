//! `GET /reservations/{order_id}`.

use contracts::{OrderId, stock::Reservation};

use crate::store::{self, Store};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing was decided about this order, or not yet.
    #[error("nothing is decided about an order {0}")]
    Unknown(OrderId),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// The reservation of an order.
///
/// # Errors
/// See [`Error`].
pub async fn read_reservation(store: &Store, order_id: OrderId) -> Result<Reservation, Error> {
    store.reservation(order_id).await?.ok_or(Error::Unknown(order_id))
}

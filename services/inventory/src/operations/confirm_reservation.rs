//! `POST /reservations/{order_id}/confirm`.

use contracts::{
    OrderId,
    consistency::Written,
    stock::{Reservation, ReservationStatus},
};
use telemetry::context::TraceContext;

use crate::store::{self, Store};

/// Why a reservation was not confirmed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is none.
    #[error("there is no reservation {0}")]
    Unknown(OrderId),
    /// It belongs to an order, which confirms it.
    #[error("{0} is reserved for an order of the order service, which confirms it")]
    OfAnOrder(OrderId),
    /// It holds nothing.
    #[error("the reservation holds nothing: {0}")]
    HoldsNothing(&'static str),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Confirms a reservation that a request has made, so that it doesn't expire. One that is confirmed stays as it is.
///
/// # Errors
/// See [`Error`].
pub async fn confirm_reservation(
    store: &Store,
    id: OrderId,
    trace: Option<TraceContext>,
) -> Result<Written<Reservation>, Error> {
    let Written { value: stood, position } = store.confirm_direct(id, trace).await?.ok_or(Error::Unknown(id))?;
    match stood.reservation.status {
        _ if !stood.direct => Err(Error::OfAnOrder(id)),
        ReservationStatus::Rejected => Err(Error::HoldsNothing("it was rejected")),
        ReservationStatus::Released => Err(Error::HoldsNothing("it was released, or has expired")),
        ReservationStatus::Held | ReservationStatus::Confirmed => Ok(Written::new(stood.reservation, position)),
    }
}

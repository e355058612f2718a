//! `DELETE /reservations/{order_id}`.

use contracts::{
    OrderId,
    consistency::Written,
    stock::{
        Reservation,
        ReservationStatus::{Rejected, Released},
    },
};
use locks::LockError;
use telemetry::context::TraceContext;

use crate::{
    locking::Locking,
    metric_definitions::METRICS,
    store::{self, ChangeError, Store},
};

/// Why a reservation was not released.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is none.
    #[error("there is no reservation {0}")]
    Unknown(OrderId),
    /// It belongs to an order, which gives it back when it is cancelled.
    #[error("{0} is reserved for an order of the order service: cancel the order")]
    OfAnOrder(OrderId),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The lock of the products' stock was not to be had.
    #[error(transparent)]
    NotLocked(#[from] LockError),
    /// It was not stored.
    #[error(transparent)]
    NotChanged(#[from] ChangeError),
}

/// Gives back what a reservation holds that a request has made. One that holds nothing stays as it is.
///
/// # Errors
/// See [`Error`].
pub async fn release_reservation(
    (store, locking): (&Store, &Locking),
    id: OrderId,
    trace: Option<TraceContext>,
) -> Result<Written<Reservation>, Error> {
    let Written { value: stood, position } = store.stood(id).await?.ok_or(Error::Unknown(id))?;
    if !stood.direct {
        return Err(Error::OfAnOrder(id));
    }
    if matches!(stood.reservation.status, Released | Rejected) {
        return Ok(Written::new(stood.reservation, position));
    }
    let skus = stood.reservation.lines.iter().map(|line| line.sku.as_str());
    let access = locking.lock(skus, trace).await?;
    let returned = locking.noted(store.release_direct(stood.reservation, &access, trace).await)?;
    METRICS.violated(returned.violations);
    METRICS.released("returned", u64::from(returned.released));
    returned.reservation.ok_or(Error::Unknown(id))
}

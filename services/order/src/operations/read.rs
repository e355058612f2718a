//! `GET /orders/{id}`.

use contracts::{OrderId, order::Order};

use crate::store::{self, Store};

/// Why an order was not read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is none of this id.
    #[error("there is no order {0}")]
    Unknown(OrderId),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// The order as it is now.
///
/// # Errors
/// See [`Error`].
pub async fn read(store: &Store, id: OrderId) -> Result<Order, Error> {
    let order = store.order(id).await?.ok_or(Error::Unknown(id))?;
    Ok(order.into_order())
}

//! `GET /orders/{id}`.

use contracts::{
    OrderId,
    consistency::{Answer, Demand},
    order::Order,
};

use crate::{
    domain::StoredOrder,
    store::{self, Store},
};

/// Why an order was not read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// The order as the copy that answers has it; `None` where that knows none of this id.
///
/// # Errors
/// See [`Error`].
pub async fn read(store: &Store, id: OrderId, demand: &Demand) -> Result<Answer<Option<Order>>, Error> {
    let found = store.order(id, demand).await?;
    Ok(found.map(|order| order.map(StoredOrder::into_order)))
}

//! `GET /orders/{id}`.

use contracts::{
    OrderId,
    consistency::{Answer, Demand},
    order::Order,
};
use telemetry::context::TraceContext;

use crate::store::{self, Store};

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
pub async fn read(
    store: &Store,
    id: OrderId,
    demand: &Demand,
    trace: Option<TraceContext>,
) -> Result<Answer<Option<Order>>, Error> {
    Ok(store.shown(id, demand, trace).await?)
}

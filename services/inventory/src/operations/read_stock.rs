//! `GET /stock/{sku}`.

use contracts::{
    Sku,
    consistency::{Answer, Demand},
    stock::Stock,
};
use telemetry::context::TraceContext;

use crate::store::{self, Store};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// The stock of a product; `None` where there is no such product, as far as the copy that answers knows.
///
/// # Errors
/// See [`Error`].
pub async fn read_stock(
    store: &Store,
    sku: &Sku,
    demand: &Demand,
    trace: Option<TraceContext>,
) -> Result<Answer<Option<Stock>>, Error> {
    Ok(store.stock(sku, demand, trace).await?)
}

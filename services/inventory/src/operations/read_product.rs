//! `GET /products/{sku}`.

use contracts::{
    Sku,
    catalogue::Product,
    consistency::{Answer, Demand},
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

/// A product; `None` where there is none of this SKU, as far as the copy that answers knows.
///
/// # Errors
/// See [`Error`].
pub async fn read_product(
    store: &Store,
    sku: &Sku,
    demand: &Demand,
    trace: Option<TraceContext>,
) -> Result<Answer<Option<Product>>, Error> {
    Ok(store.product(sku, demand, trace).await?)
}

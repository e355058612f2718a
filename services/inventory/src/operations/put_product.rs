//! `PUT /products/{sku}`.

use contracts::consistency::Written;
use messaging::relay;
use telemetry::context::Carried;

use crate::{
    domain::NewProduct,
    store::{self, Put, Store},
};

/// Why a product was not put.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Makes a product, or changes it, and has that published. A product that is so already stays as it is, and nothing is
/// published.
///
/// # Errors
/// See [`Error`].
pub async fn put_product(
    store: &Store,
    relay: &relay::Waker,
    product: NewProduct,
    carried: Carried,
) -> Result<Written<Put>, Error> {
    let put = store.put_product(&product, carried).await?;
    if !matches!(put.value, Put::Unchanged(_)) {
        relay.wake();
    }
    Ok(put)
}

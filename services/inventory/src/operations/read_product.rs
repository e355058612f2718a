//! `GET /products/{sku}`.

use contracts::{Sku, catalogue::Product};

use crate::store::{self, Store};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is none of this SKU.
    #[error("there is no product {0}")]
    Unknown(Sku),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// A product.
///
/// # Errors
/// See [`Error`].
pub async fn read_product(store: &Store, sku: Sku) -> Result<Product, Error> {
    store.product(&sku).await?.ok_or(Error::Unknown(sku))
}

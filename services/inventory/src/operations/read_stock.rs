//! `GET /stock/{sku}`.

use contracts::{Sku, stock::Stock};

use crate::store::{self, Store};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no product of this SKU.
    #[error("there is no product {0}")]
    Unknown(Sku),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// The stock of a product.
///
/// # Errors
/// See [`Error`].
pub async fn read_stock(store: &Store, sku: Sku) -> Result<Stock, Error> {
    store.stock(&sku).await?.ok_or(Error::Unknown(sku))
}

//! `GET /products`.

use contracts::{Sku, catalogue::Product, page::Page};

use crate::store::{self, Store};

/// Why products were not listed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Up to `limit` products behind `cursor`, by SKU.
///
/// # Errors
/// See [`Error`].
pub async fn list_products(store: &Store, cursor: Option<Sku>, limit: u16) -> Result<Page<Product>, Error> {
    let limit = usize::from(limit);
    // One more than asked for tells whether there is a next page.
    let mut items = store.products(cursor.as_ref(), limit as i64 + 1).await?;
    let more = items.len() > limit;
    items.truncate(limit);
    let last = items.last().filter(|_| more);
    Ok(Page { next_cursor: last.map(|product| product.sku.to_string()), items })
}

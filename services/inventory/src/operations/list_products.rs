//! `GET /products`.

use contracts::{
    Sku,
    catalogue::Product,
    consistency::{Answer, Demand},
    page::Page,
};

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
pub async fn list_products(
    store: &Store,
    cursor: Option<Sku>,
    limit: u16,
    demand: &Demand,
) -> Result<Answer<Page<Product>>, Error> {
    // One more than asked for tells whether there is a next page.
    let found = store.products(cursor.as_ref(), i64::from(limit) + 1, demand).await?;
    Ok(found.map(|products| Page::of(products, limit, |product| product.sku.to_string())))
}

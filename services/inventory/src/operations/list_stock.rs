//! `GET /stock`.

use contracts::{
    Sku,
    consistency::{Answer, Demand},
    page::Page,
    stock::Stock,
};

use crate::store::{self, Store};

/// Why stock was not listed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// The stock of up to `limit` products behind `cursor`, by SKU.
///
/// # Errors
/// See [`Error`].
pub async fn list_stock(
    store: &Store,
    cursor: Option<Sku>,
    limit: u16,
    demand: &Demand,
) -> Result<Answer<Page<Stock>>, Error> {
    // One more than asked for tells whether there is a next page.
    let found = store.stocks(cursor.as_ref(), i64::from(limit) + 1, demand).await?;
    Ok(found.map(|stocks| Page::of(stocks, limit, |stock| stock.sku.to_string())))
}

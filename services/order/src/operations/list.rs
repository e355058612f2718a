//! `GET /orders`.

use contracts::{
    consistency::{Answer, Demand},
    order::Order,
    page::Page,
};

use crate::{
    domain::{Listing, StoredOrder},
    store::{self, Store},
};

/// Why orders were not listed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// A page of the orders of `listing`, in the order in which they were placed. A new order comes to stand behind all
/// older ones, so a reader who follows the cursors while orders arrive meets each of them once.
///
/// # Errors
/// See [`Error`].
pub async fn list(store: &Store, listing: &Listing, demand: &Demand) -> Result<Answer<Page<Order>>, Error> {
    let found = store.list(listing, demand).await?;
    Ok(found.map(|(orders, next)| Page {
        items: orders.into_iter().map(StoredOrder::into_order).collect(),
        next_cursor: next.map(|id| id.to_string()),
    }))
}

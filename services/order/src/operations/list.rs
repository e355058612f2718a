//! `GET /orders`.

use contracts::{order::Order, page::Page};

use crate::{
    domain::{Listing, StoredOrder},
    store::{self, Store},
};

/// A page of the orders of `listing`, in the order in which they were placed. A new order comes to stand behind all
/// older ones, so a reader who follows the cursors while orders arrive meets each of them once.
///
/// # Errors
/// Those of the database.
pub async fn list(store: &Store, listing: &Listing) -> Result<Page<Order>, store::Error> {
    let (orders, next) = store.list(listing).await?;
    Ok(Page {
        items: orders.into_iter().map(StoredOrder::into_order).collect(),
        next_cursor: next.map(|id| id.to_string()),
    })
}

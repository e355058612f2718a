//! `GET /orders/{id}/timeline`.

use contracts::{OrderId, order::Hop, page::Page};

use super::read::Error;
use crate::store::Store;

/// Each hop of the order's way so far, in the order of time, on one page.
///
/// # Errors
/// See [`Error`].
pub async fn timeline(store: &Store, id: OrderId) -> Result<Page<Hop>, Error> {
    let order = store.order(id).await?.ok_or(Error::Unknown(id))?;
    Ok(Page { items: order.timeline(), next_cursor: None })
}

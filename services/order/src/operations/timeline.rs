//! `GET /orders/{id}/timeline`.

use contracts::{
    OrderId,
    consistency::{Answer, Demand},
    order::Hop,
    page::Page,
};

use super::read::Error;
use crate::store::Store;

/// Each hop of the order's way so far, in the order of time, on one page; `None` where the copy that answers knows no such
/// order.
///
/// # Errors
/// See [`Error`].
pub async fn timeline(store: &Store, id: OrderId, demand: &Demand) -> Result<Answer<Option<Page<Hop>>>, Error> {
    let found = store.order(id, demand).await?;
    Ok(found.map(|order| order.map(|order| Page { items: order.timeline(), next_cursor: None })))
}

//! What of this service is cached, and how its changes are told.

use cache::{Key, Kind, News, Stamp};
use contracts::{
    OrderId,
    order::{Order, OrderStatus},
};
use messaging::database::copies::Writing;

use crate::domain::StoredOrder;

/// Orders as they are shown, by id.
#[derive(Debug)]
pub(super) struct OfOrders;

impl Kind for OfOrders {
    const NAME: &'static str = "order";
    const SCHEMA: u16 = 1;
    const SPARSE: bool = true;
    type Value = Order;

    fn version(order: &Order) -> u64 {
        version(order.status)
    }
}

/// What is shown of an order changes with its status alone, and that goes one way.
fn version(status: OrderStatus) -> u64 {
    match status {
        OrderStatus::Pending => 1,
        OrderStatus::Confirmed | OrderStatus::Rejected => 2,
        OrderStatus::Cancelled => 3,
    }
}

pub(super) fn key(id: OrderId) -> Key<OfOrders> {
    Key::new(id.to_string())
}

/// An order that was written.
pub(super) fn written(order: Order, Writing { position, sees }: Writing) -> News<OfOrders> {
    News::written(key(order.id), order, position, sees)
}

/// An order that came into a status, and was read since or was not.
pub(super) fn moved(id: OrderId, status: OrderStatus, order: Option<StoredOrder>, writing: Writing) -> News<OfOrders> {
    match order {
        Some(order) => written(order.into_order(), writing),
        None => {
            let stamp = Stamp { shows: writing.position, version: version(status), ..Stamp::default() };
            News { key: key(id), value: None, stamp }
        }
    }
}

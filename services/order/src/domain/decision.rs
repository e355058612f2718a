//! What became of an order.

use contracts::{
    Timestamp,
    order::{Order, OrderStatus, Rejection},
};

/// The end of an order's waiting: its final status, since when, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// CONFIRMED, REJECTED or CANCELLED.
    pub status: OrderStatus,
    /// When it was made.
    pub decided_at: Timestamp,
    /// Why it was rejected, or cancelled by the shop.
    pub rejection: Option<Rejection>,
}

impl Decision {
    /// `order` as it is with this decision.
    pub fn apply(self, order: Order) -> Order {
        Order { status: self.status, decided_at: Some(self.decided_at), rejection: self.rejection, ..order }
    }
}

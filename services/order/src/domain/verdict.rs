//! What inventory decides about an order.

use contracts::{
    OrderId, StockLine, Timestamp,
    event::{Hops, OrderConfirmed, StockRejected, StockReserved},
    order::{OrderStatus, Rejection},
};

use super::Decision;

/// Inventory's decision about an order: all of it is reserved, or nothing is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// About which order.
    pub order_id: OrderId,
    /// When it was made, and the hops before.
    pub hops: Hops,
    /// What is reserved; nothing where lines lacked.
    pub reserved: Vec<StockLine>,
    /// What lacked.
    pub rejection: Option<Rejection>,
}

impl Verdict {
    /// What a PENDING order becomes by it.
    pub fn status(&self) -> OrderStatus {
        if self.rejection.is_some() { OrderStatus::Rejected } else { OrderStatus::Confirmed }
    }

    /// The decision it means for a PENDING order, made `now`.
    pub fn decision(&self, now: Timestamp) -> Decision {
        Decision { status: self.status(), decided_at: now, rejection: self.rejection.clone() }
    }

    /// What is published about an order that became CONFIRMED by it `now`.
    pub fn confirmation(&self, now: Timestamp) -> OrderConfirmed {
        OrderConfirmed { order_id: self.order_id, lines: self.reserved.clone(), decided_at: now }
    }
}

impl From<StockReserved> for Verdict {
    fn from(event: StockReserved) -> Self {
        Self { order_id: event.order_id, hops: event.hops, reserved: event.lines, rejection: None }
    }
}

impl From<StockRejected> for Verdict {
    fn from(event: StockRejected) -> Self {
        let rejection = Some(Rejection::InsufficientStock { lines: event.lacking });
        Self { order_id: event.order_id, hops: event.hops, reserved: Vec::new(), rejection }
    }
}

//! An order on its way into the database.

use contracts::{
    OrderId, Timestamp,
    event::OrderPlaced,
    order::{Order, OrderStatus},
};
use telemetry::context::Carried;

use super::{Draft, Fingerprint};

/// An order that was accepted and is not stored yet: what is published about it, with what belongs to the request.
#[derive(Debug, Clone)]
pub struct NewOrder {
    /// The order, as it will be published.
    pub placed: OrderPlaced,
    /// The `Idempotency-Key` it came with.
    pub claim: Option<Claim>,
    /// What goes along from the request: its trace, and its baggage.
    pub carried: Carried,
}

/// A claim to be the one order that an `Idempotency-Key` stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The key.
    pub key: String,
    /// What the request asks for.
    pub fingerprint: Fingerprint,
}

impl NewOrder {
    /// Gives `draft` an id and its time, which is now.
    pub fn place(draft: Draft, claim: Option<Claim>, carried: Carried) -> Self {
        let Draft { customer_id, lines, total } = draft;
        // The time comes first, so that no order has an id of a millisecond before its time: lists rely on it.
        let placed_at = Timestamp::now();
        let placed = OrderPlaced { order_id: OrderId::generate(), customer_id, lines, total, placed_at };
        Self { placed, claim, carried }
    }

    /// The order's id.
    pub fn id(&self) -> OrderId {
        self.placed.order_id
    }

    /// The order as its caller sees it first: PENDING.
    pub fn into_order(self) -> Order {
        let OrderPlaced { order_id, customer_id, lines, total, placed_at } = self.placed;
        Order {
            id: order_id,
            status: OrderStatus::Pending,
            customer_id,
            lines,
            total,
            placed_at,
            decided_at: None,
            rejection: None,
        }
    }
}

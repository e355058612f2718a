//! What both databases know about one order.
//!
//! These types allow more than those of `contracts`: a quantity of 0, or a reason nobody knows, is what the audit is
//! to find, and must not keep it from reading on.

use contracts::{OrderId, Timestamp, order::OrderStatus, stock::ReservationStatus};
use serde::Deserialize;

/// Everything about one order id that stands anywhere.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) id: OrderId,
    /// The order service's row.
    pub(crate) order: Option<Order>,
    /// The inventory service's row.
    pub(crate) reservation: Option<Reservation>,
    /// The idempotency keys that stand for it.
    pub(crate) keys: Vec<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) status: OrderStatus,
    pub(crate) placed_at: Timestamp,
    pub(crate) lines: Vec<OrderLine>,
    pub(crate) total_minor: i64,
    pub(crate) currency: String,
    pub(crate) rejection: Option<Rejection>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct OrderLine {
    pub(crate) sku: String,
    pub(crate) quantity: i64,
    pub(crate) unit_price: Price,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Price {
    pub(crate) minor: i64,
    pub(crate) currency: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct ReservedLine {
    pub(crate) sku: String,
    pub(crate) quantity: i64,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Rejection {
    pub(crate) reason: String,
    #[serde(default)]
    pub(crate) lines: Vec<Lacking>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Lacking {
    pub(crate) sku: String,
    pub(crate) requested: i64,
    pub(crate) available: i64,
}

#[derive(Debug, Clone)]
pub(crate) struct Reservation {
    pub(crate) status: ReservationStatus,
    pub(crate) lines: Vec<ReservedLine>,
    /// It was asked for by itself, without an order of the order service.
    pub(crate) direct: bool,
}

impl Reservation {
    /// Whether stock is kept for it.
    pub(crate) fn is_live(&self) -> bool {
        matches!(self.status, ReservationStatus::Held | ReservationStatus::Confirmed)
    }

    pub(crate) fn status_name(&self) -> &'static str {
        match self.status {
            ReservationStatus::Held => "HELD",
            ReservationStatus::Confirmed => "CONFIRMED",
            ReservationStatus::Rejected => "REJECTED",
            ReservationStatus::Released => "RELEASED",
        }
    }
}

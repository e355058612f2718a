//! The order service's REST bodies.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{CustomerId, Lacking, Money, OrderId, OrderLine, Timestamp};

/// The most lines an order has.
pub const MAX_LINES: usize = 1_000;

/// `POST /orders`.
///
/// Its fields are as loose as JSON is, so that every fault of an order can be named at once with its pointer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceOrder {
    /// Who orders; may be left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "17850", min_length = 1, max_length = 64)]
    pub customer_id: Option<String>,
    /// What is ordered. Lines with the same SKU are added up.
    #[schema(min_items = 1, max_items = 1_000)]
    pub lines: Vec<PlaceLine>,
}

/// A line of [`PlaceOrder`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceLine {
    /// What.
    #[schema(example = "85123A", min_length = 1, max_length = 32)]
    pub sku: String,
    /// How many: a whole number from 1 to 1,000,000.
    #[schema(value_type = u32, minimum = 1, maximum = 1_000_000, example = 6)]
    pub quantity: serde_json::Number,
}

/// Where an order is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum OrderStatus {
    /// Accepted; inventory has not decided.
    Pending,
    /// Its stock is reserved.
    Confirmed,
    /// Some lines lacked stock.
    Rejected,
    /// Cancelled by the customer, or because its reservation expired.
    Cancelled,
}

impl OrderStatus {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Confirmed, Self::Rejected, Self::Cancelled];

    /// Whether inventory's decision, or a cancellation, has been made.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Pending)
    }

    /// The status as it stands in JSON and in a query.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Confirmed => "CONFIRMED",
            Self::Rejected => "REJECTED",
            Self::Cancelled => "CANCELLED",
        }
    }
}

impl fmt::Display for OrderStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Text that is no [`OrderStatus`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be one of PENDING, CONFIRMED, REJECTED, CANCELLED")]
pub struct InvalidStatus;

impl FromStr for OrderStatus {
    type Err = InvalidStatus;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|status| status.as_str() == text).ok_or(InvalidStatus)
    }
}

/// Why an order was rejected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Rejection {
    /// These lines lacked stock.
    InsufficientStock {
        /// Each line that lacked, and how many there were.
        lines: Vec<Lacking>,
    },
    /// Its reservation ran out before the order was confirmed.
    ReservationExpired,
}

/// An order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Order {
    /// Its identifier.
    pub id: OrderId,
    /// Where it is in its life.
    pub status: OrderStatus,
    /// Who ordered; null for an order without a customer.
    pub customer_id: Option<CustomerId>,
    /// What was ordered: each SKU once, in the order they first stood in the request.
    pub lines: Vec<OrderLine>,
    /// The sum of its lines.
    pub total: Money,
    /// When it was accepted.
    pub placed_at: Timestamp,
    /// When it was confirmed, rejected or cancelled; null while it is pending.
    pub decided_at: Option<Timestamp>,
    /// Why it was rejected or cancelled by the shop; null otherwise.
    pub rejection: Option<Rejection>,
}

/// What happened at a hop of an order's way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The order was accepted and stored.
    Placed,
    /// Its event was handed to Kafka.
    Published,
    /// Inventory took the event from Kafka.
    Received,
    /// Inventory reserved every line.
    Reserved,
    /// Inventory found lines that lacked.
    Lacked,
    /// The order became CONFIRMED.
    Confirmed,
    /// The order became REJECTED.
    Rejected,
    /// The order became CANCELLED.
    Cancelled,
    /// Inventory gave its stock back.
    Released,
}

/// One hop of an order's way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Hop {
    /// What happened.
    pub step: Step,
    /// In which service.
    #[schema(example = "inventory")]
    pub service: String,
    /// When, by that service's clock.
    pub at: Timestamp,
}

//! The inventory service's REST bodies about stock.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{OrderId, Sku, StockLine, Timestamp, order::PlaceLine};

/// `GET /stock/{sku}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Stock {
    /// Of what.
    pub sku: Sku,
    /// How many can still be reserved; never below 0.
    pub available: i64,
    /// How many are reserved for orders.
    pub reserved: i64,
    /// Grows with every change.
    pub version: i64,
}

/// `POST /stock/{sku}/adjustments`: stock counted, delivered, returned or lost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Adjust {
    /// How many more (or, negative, fewer) there are: a whole number, not 0, at most 1,000,000,000 either way.
    #[schema(value_type = i64, example = 7)]
    pub delta: serde_json::Number,
    /// Why, in a word: 1 to 64 characters.
    #[schema(example = "count", min_length = 1, max_length = 64)]
    pub reason: String,
}

/// An adjustment that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Adjustment {
    /// Of what.
    pub sku: Sku,
    /// How many more or fewer.
    pub delta: i64,
    /// Why.
    pub reason: String,
    /// The stock after it.
    pub stock: Stock,
    /// When.
    pub adjusted_at: Timestamp,
}

/// `POST /reservations`.
///
/// Its fields are as loose as JSON is, so that every fault can be named at once with its pointer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reserve {
    /// Under which id: a UUID version 7 of the caller's choice, under which the same request may be sent again. Left out, one
    /// is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<OrderId>)]
    pub order_id: Option<String>,
    /// What is to be reserved. Lines with the same SKU are added up.
    #[schema(min_items = 1, max_items = 1_000)]
    pub lines: Vec<PlaceLine>,
}

/// Where a reservation is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum ReservationStatus {
    /// Reserved; its order is not known to be confirmed yet, so it can expire.
    Held,
    /// Reserved, and its order is confirmed.
    Confirmed,
    /// Nothing was reserved: lines lacked.
    Rejected,
    /// Given back.
    Released,
}

/// `GET /reservations/{order_id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reservation {
    /// For which order.
    pub order_id: OrderId,
    /// Where it is in its life.
    pub status: ReservationStatus,
    /// What it holds, held, or asked for.
    pub lines: Vec<StockLine>,
    /// When inventory decided.
    pub decided_at: Timestamp,
    /// When it was given back; null otherwise.
    pub released_at: Option<Timestamp>,
}

//! Event bodies: the `data` of CloudEvents 1.0, each with its type name.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{CustomerId, Lacking, Money, OrderId, OrderLine, Sku, StockLine, Timestamp, topics::Topic};

/// A body that can stand in an event.
pub trait Event: Serialize + DeserializeOwned {
    /// The CloudEvents `type`; it ends in the body's version.
    const TYPE: &'static str;
    /// Where it is published.
    const TOPIC: Topic;

    /// The Kafka key: what its order is kept by.
    fn key(&self) -> String;
}

macro_rules! event {
    ($body:ident, $name:literal, $topic:ident, $($key:ident).+) => {
        impl Event for $body {
            const TYPE: &'static str = $name;
            const TOPIC: Topic = Topic::$topic;

            fn key(&self) -> String {
                self.$($key).+.to_string()
            }
        }
    };
}

/// A customer asked for something; nothing is reserved yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderPlaced {
    /// Which order.
    pub order_id: OrderId,
    /// Who ordered, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<CustomerId>,
    /// What was ordered: each SKU once.
    pub lines: Vec<OrderLine>,
    /// What it costs.
    pub total: Money,
    /// When the order was accepted.
    pub placed_at: Timestamp,
}
event!(OrderPlaced, "plumbline.order.placed.v1", Orders, order_id);

/// An order's stock is reserved, and the order stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderConfirmed {
    /// Which order.
    pub order_id: OrderId,
    /// What was bought together.
    pub lines: Vec<StockLine>,
    /// When it was confirmed.
    pub decided_at: Timestamp,
}
event!(OrderConfirmed, "plumbline.order.confirmed.v1", Orders, order_id);

/// An order was cancelled: what is reserved for it must be released.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderCancelled {
    /// Which order.
    pub order_id: OrderId,
    /// When it was cancelled.
    pub cancelled_at: Timestamp,
}
event!(OrderCancelled, "plumbline.order.cancelled.v1", Orders, order_id);

/// When the hops of a decision happened, for the order's timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hops {
    /// When the order service handed the event to Kafka (the message's timestamp).
    pub published_at: Timestamp,
    /// When inventory took it from Kafka.
    pub received_at: Timestamp,
    /// When inventory decided.
    pub decided_at: Timestamp,
}

/// Every line of an order is reserved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockReserved {
    /// For which order.
    pub order_id: OrderId,
    /// What is reserved.
    pub lines: Vec<StockLine>,
    /// When.
    #[serde(flatten)]
    pub hops: Hops,
}
event!(StockReserved, "plumbline.stock.reserved.v1", Stock, order_id);

/// Some lines lacked stock, so nothing is reserved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockRejected {
    /// For which order.
    pub order_id: OrderId,
    /// Each line that lacked.
    pub lacking: Vec<Lacking>,
    /// When.
    #[serde(flatten)]
    pub hops: Hops,
}
event!(StockRejected, "plumbline.stock.rejected.v1", Stock, order_id);

/// Why a reservation was given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReleaseReason {
    /// Its order was cancelled.
    Cancelled,
    /// Its order was not confirmed in time.
    Expired,
}

/// What was reserved for an order is available again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockReleased {
    /// For which order.
    pub order_id: OrderId,
    /// Why.
    pub reason: ReleaseReason,
    /// When.
    pub released_at: Timestamp,
}
event!(StockReleased, "plumbline.stock.released.v1", Stock, order_id);

/// A product as it now is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductUpserted {
    /// Which product.
    pub sku: Sku,
    /// Its name.
    pub name: String,
    /// What one costs.
    pub unit_price: Money,
    /// Grows with every change of the product; an older one must not replace a newer.
    pub version: i64,
}
event!(ProductUpserted, "plumbline.product.upserted.v1", Catalog, sku);

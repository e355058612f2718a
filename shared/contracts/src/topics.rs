//! The topics, each with a version in its name.

use std::fmt;

/// A topic of the shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Topic {
    /// An order's life as the order service tells it; key = order id.
    Orders,
    /// What inventory did about an order; key = order id.
    Stock,
    /// The last word on each product; key = SKU, compacted.
    Catalog,
}

impl Topic {
    /// Every topic.
    pub const ALL: [Self; 3] = [Self::Orders, Self::Stock, Self::Catalog];

    /// The topic's name, before any prefix an installation sets.
    pub fn name(self) -> &'static str {
        match self {
            Self::Orders => "orders.v1",
            Self::Stock => "stock.v1",
            Self::Catalog => "catalog.v1",
        }
    }

    /// The name of the topic that takes what cannot be processed from this one.
    pub fn dead_letter_name(self) -> String {
        format!("{}.dlq", self.name())
    }

    /// Partitions it is made with. It can't be changed later without breaking the order within a key.
    pub fn partitions(self) -> u16 {
        match self {
            Self::Orders | Self::Stock => 6,
            Self::Catalog => 1,
        }
    }

    /// Whether the broker keeps only each key's last message.
    pub fn compacted(self) -> bool {
        matches!(self, Self::Catalog)
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

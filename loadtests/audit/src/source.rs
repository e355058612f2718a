//! Where everything is read.

use std::fmt;

use serde::Serialize;

/// Where everything is read. The URLs hold passwords, so it shows neither of them.
#[derive(Clone)]
pub struct Source {
    /// The URL of the order service's database, `postgres://role:password@host:port/name`. The role need only read.
    pub order_database: String,
    /// The URL of the inventory service's database.
    pub inventory_database: String,
    /// Kafka's addresses, `host:port`, several separated by commas.
    pub kafka: String,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("kafka", &self.kafka).finish_non_exhaustive()
    }
}

/// A service's database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Database {
    /// The order service's.
    Order,
    /// The inventory service's.
    Inventory,
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Order => "order",
            Self::Inventory => "inventory",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_shown() {
        let url = "postgres://auditor:secret@localhost/orders".to_owned();
        let source =
            Source { order_database: url.clone(), inventory_database: url, kafka: "localhost:9092".to_owned() };
        assert_eq!(format!("{source:?}"), "Source { kafka: \"localhost:9092\", .. }");
    }
}

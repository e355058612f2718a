//! What an audit came to.

use contracts::OrderId;
use serde::Serialize;

use crate::{Check, Database};

/// How many violations of one check a report names.
pub(crate) const SHOWN: usize = 20;

/// What an audit came to. Written out it is for people; as JSON for programs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// What there was to examine, in the last look.
    pub counts: Counts,
    /// Each check, in the order of [`Check::ALL`].
    pub checks: Vec<Outcome>,
    /// How many looks were taken.
    pub looks: u32,
    /// How long all of it took.
    pub seconds: f64,
}

impl Report {
    /// How many violations there are, of all checks.
    pub fn violations(&self) -> u64 {
        self.checks.iter().map(|outcome| outcome.violations).sum()
    }

    /// Whether everything is right.
    pub fn passed(&self) -> bool {
        self.violations() == 0
    }
}

/// What there was to examine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Orders.
    pub orders: OrderCounts,
    /// Reservations.
    pub reservations: ReservationCounts,
    /// SKUs with a row of stock.
    pub skus: u64,
    /// Pieces that live reservations hold beyond what adjustments ever came to, of all SKUs.
    pub oversold: u64,
    /// Adjustments of stock.
    pub adjustments: u64,
    /// Idempotency keys of orders.
    pub idempotency_keys: u64,
    /// Orders that a load driver says were acknowledged.
    pub acknowledged: u64,
    /// Orders that a load driver sent without a lasting answer: they may exist or not.
    pub unanswered: u64,
}

/// Orders by status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct OrderCounts {
    /// PENDING.
    pub pending: u64,
    /// CONFIRMED.
    pub confirmed: u64,
    /// REJECTED.
    pub rejected: u64,
    /// CANCELLED.
    pub cancelled: u64,
}

impl OrderCounts {
    /// Orders of any status.
    pub fn total(&self) -> u64 {
        self.pending + self.confirmed + self.rejected + self.cancelled
    }
}

/// Reservations by status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ReservationCounts {
    /// HELD.
    pub held: u64,
    /// CONFIRMED.
    pub confirmed: u64,
    /// REJECTED.
    pub rejected: u64,
    /// RELEASED.
    pub released: u64,
    /// Those of any status that were asked for by themselves, without an order of the order service.
    pub direct: u64,
}

impl ReservationCounts {
    /// Reservations of any status.
    pub fn total(&self) -> u64 {
        self.held + self.confirmed + self.rejected + self.released
    }
}

/// What a check came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// Which check.
    pub name: Check,
    /// What must hold, in one line.
    pub description: &'static str,
    /// How many things it examined, in the last look.
    pub examined: u64,
    /// How many of them the last two looks found wrong.
    pub violations: u64,
    /// The first 20 of those.
    pub first: Vec<Violation>,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// With what.
    pub subject: Subject,
    /// What was expected, and what was found.
    pub what: String,
}

/// What a violation is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// An order, or the reservation for it.
    Order(OrderId),
    /// The stock of a SKU.
    Sku(String),
    /// A topic, by the name it has on the broker.
    Topic(String),
    /// An idempotency key of the order service.
    Key(String),
    /// A row of an outbox.
    Frame {
        /// In which database.
        database: Database,
        /// Its id.
        id: i64,
    },
}

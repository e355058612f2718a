//! What clients did, and what they were told.

use std::{fmt, time::Duration};

use contracts::consistency::{Copy, Level};
use serde::Serialize;

use crate::http::Failure;

/// Everything that clients did to some products, of which nobody else changed the stock.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct History {
    /// The products, each as it was before the first operation.
    pub products: Vec<Product>,
    /// In any order; those of one session in the order in which it made them, one after the other.
    pub operations: Vec<Operation>,
}

/// A product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Product {
    /// Its SKU.
    pub sku: String,
    /// Its stock before the first operation.
    pub first: Stock,
}

/// A stock as it was after a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Stock {
    /// How many writes there have been: each makes it greater by one.
    pub version: u64,
    /// How many were available.
    pub available: i64,
}

/// One request of a client, with all attempts where it was sent again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Operation {
    /// Who made it: one operation at a time.
    pub client: u32,
    /// In which session; a client has one after the other, and no session has two clients.
    pub session: u32,
    /// To which instance, the last that was tried.
    pub instance: u32,
    /// On which product of the history.
    pub product: u32,
    /// Just before its first byte was sent, by one clock for all clients.
    pub begin: Duration,
    /// Just after its answer was read.
    pub end: Duration,
    /// What was done.
    pub act: Act,
}

/// What an operation did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// It changed what is available.
    Write {
        /// By how many.
        delta: i64,
        /// What became of it.
        outcome: Outcome<Stock>,
    },
    /// It read the stock.
    Read {
        /// How new it was to be.
        level: Level,
        /// What became of it.
        outcome: Outcome<Shown>,
    },
}

/// How an operation ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome<T> {
    /// With an answer.
    Acknowledged(T),
    /// It certainly did nothing.
    Refused(Fault),
    /// It may have been done, then or later.
    Unknown(Fault),
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// None came that lasts.
    Unanswered(Failure),
    /// One came, which says no.
    Status(u16),
    /// One came that means nothing.
    Unreadable(String),
}

/// What an answer to a read showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// The stock's version; 0 where the product was not known.
    pub version: u64,
    /// How many were available, where the product was known.
    pub available: Option<i64>,
    /// By whom it was served.
    pub by: Copy,
    /// How old it said it is, in whole milliseconds.
    pub age: Duration,
    /// Whether it came with the token of its session, which therefore knows of it.
    pub told: bool,
}

impl Operation {
    /// What a read was shown, and at which level.
    pub(super) fn shown(&self) -> Option<(Level, &Shown)> {
        match &self.act {
            Act::Read { level, outcome: Outcome::Acknowledged(shown) } => Some((*level, shown)),
            _ => None,
        }
    }

    /// What a write was acknowledged with.
    pub(super) fn written(&self) -> Option<(i64, Stock)> {
        match self.act {
            Act::Write { delta, outcome: Outcome::Acknowledged(stock) } => Some((delta, stock)),
            _ => None,
        }
    }

    /// The version that its answer names.
    pub(super) fn version(&self) -> Option<u64> {
        self.shown().map(|(_, shown)| shown.version).or_else(|| self.written().map(|(_, stock)| stock.version))
    }

    /// By how many it may have changed the stock, where that is not known.
    pub(super) fn doubtful(&self) -> Option<i64> {
        match self.act {
            Act::Write { delta, outcome: Outcome::Unknown(_) } => Some(delta),
            _ => None,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unanswered(failure) => failure.fmt(f),
            Self::Status(status) => write!(f, "status {status}"),
            Self::Unreadable(why) => write!(f, "an answer that can't be read: {why}"),
        }
    }
}

impl fmt::Display for Operation {
    /// In one line, for who looks for the cause of a violation.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { client, session, instance, begin, end, .. } = self;
        let (begin, end) = (begin.as_secs_f64(), end.as_secs_f64());
        write!(f, "{begin:.6} to {end:.6} s, client {client}, session {session}, inventory {}: ", instance + 1)?;
        match &self.act {
            Act::Write { delta, outcome } => {
                write!(f, "write of {delta:+}, ")?;
                match outcome {
                    Outcome::Acknowledged(Stock { version, available }) => {
                        write!(f, "acknowledged as version {version} with {available} available")
                    }
                    Outcome::Refused(fault) => write!(f, "refused: {fault}"),
                    Outcome::Unknown(fault) => write!(f, "unknown: {fault}"),
                }
            }
            Act::Read { level, outcome: Outcome::Acknowledged(Shown { version, available, by, age, .. }) } => {
                let available = available.map_or_else(|| "no product".to_owned(), |n| format!("{n} available"));
                write!(f, "{level} read, shown version {version} with {available}, by {by}, {} ms old", age.as_millis())
            }
            Act::Read { level, outcome: Outcome::Refused(fault) | Outcome::Unknown(fault) } => {
                write!(f, "{level} read, not answered: {fault}")
            }
        }
    }
}

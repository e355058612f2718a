//! What was left out of a file, and why.

use std::{collections::BTreeMap, fmt};

use serde::Serialize;

/// Why a line of the file became no part of an order or a return.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Skip {
    /// The stock code is a charge, a fee, a discount, a voucher or a correction.
    NotGoods,
    /// The stock code cannot be a SKU: it is empty, too long, or has characters a SKU may not have.
    NoSku,
    /// A quantity of 0 or less outside a cancellation: a write-off.
    WriteOff,
    /// A price below half a penny.
    NoPrice,
    /// More of one thing than an order may ask for.
    TooMany,
    /// A cancellation's line whose quantity is not negative.
    NothingReturned,
    /// A cancellation's line for a SKU that no kept order of the file has, so that the shop does not know it.
    UnknownReturn,
    /// The line belongs to an invoice of more lines than an order may have.
    LongInvoice,
}

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotGoods => "no goods: a charge, fee, discount, voucher or correction",
            Self::NoSku => "stock code cannot be a SKU",
            Self::WriteOff => "quantity 0 or less outside a cancellation",
            Self::NoPrice => "price below half a penny",
            Self::TooMany => "quantity above what an order may ask for",
            Self::NothingReturned => "cancellation without a negative quantity",
            Self::UnknownReturn => "return of a SKU that is not sold in the file",
            Self::LongInvoice => "invoice with more lines than an order may have",
        })
    }
}

/// How many lines were skipped, by reason.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Skips(BTreeMap<Skip, u64>);

impl Skips {
    pub(super) fn count(&mut self, why: Skip, lines: u64) {
        if lines > 0 {
            *self.0.entry(why).or_default() += lines;
        }
    }

    /// Lines skipped for this reason.
    pub fn of(&self, why: Skip) -> u64 {
        self.0.get(&why).copied().unwrap_or(0)
    }

    /// Lines skipped for any reason.
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// Each reason that occurred, with its count.
    pub fn iter(&self) -> impl Iterator<Item = (Skip, u64)> + '_ {
        self.0.iter().map(|(&why, &lines)| (why, lines))
    }
}

//! Real orders from a file of retail lines: a catalogue, orders and returns.
//!
//! The rules are told in this crate's README. A file is never cleaned in silence: what is left out is counted by reason.

mod catalogue;
mod goods;
mod happenings;
mod price;
mod read;
mod skips;

use std::path::Path;

use contracts::{CustomerId, Sku, StockLine};
use serde::Serialize;
use time::PrimitiveDateTime;

pub use read::ReadError;
pub use skips::{Skip, Skips};

/// A product of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// Its SKU: the stock code, trimmed and upper-cased.
    pub sku: Sku,
    /// The description that stands on most of its kept lines; the SKU where none has any.
    pub name: String,
    /// The price in pence that stands on most of its kept lines.
    pub price_pence: i64,
    /// How many of it the file's orders ask for.
    pub demand: u64,
}

/// An invoice, as the order it becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sale {
    /// The invoice's number.
    pub invoice: String,
    /// When it was made, by the shop's clock.
    pub at: PrimitiveDateTime,
    /// Who ordered, where known.
    pub customer: Option<CustomerId>,
    /// Its kept lines in the file's order; a SKU may stand on several.
    pub lines: Vec<StockLine>,
}

/// A cancellation invoice: things that come back into stock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Return {
    /// The invoice's number, beginning with `C`.
    pub invoice: String,
    /// When it was made, by the shop's clock.
    pub at: PrimitiveDateTime,
    /// What comes back, each line by itself.
    pub lines: Vec<StockLine>,
}

/// What happened in the shop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happening {
    /// Someone ordered.
    Sale(Sale),
    /// Someone returned.
    Return(Return),
}

impl Happening {
    /// When, by the shop's clock.
    pub fn at(&self) -> PrimitiveDateTime {
        match self {
            Self::Sale(sale) => sale.at,
            Self::Return(taken_back) => taken_back.at,
        }
    }
}

/// What was read, what it became, and what was left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Reading {
    /// Lines of the file, without its header.
    pub lines: u64,
    /// Different invoices, cancellations among them.
    pub invoices: u64,
    /// Invoices that are cancellations.
    pub cancellations: u64,
    /// Products found.
    pub products: u64,
    /// Invoices that became orders.
    pub orders: u64,
    /// Lines of those orders.
    pub order_lines: u64,
    /// Cancellations that became returns.
    pub returns: u64,
    /// Lines of those returns: stock adjustments.
    pub return_lines: u64,
    /// Invoices of which no line was kept.
    pub invoices_skipped: u64,
    /// Lines left out, by reason.
    pub skipped: Skips,
}

/// A file's catalogue, and what happened in it.
#[derive(Debug, Clone)]
pub struct Retail {
    /// Every product, by SKU.
    pub products: Vec<Product>,
    /// Orders and returns by time; those of one time in the file's order.
    pub happenings: Vec<Happening>,
    /// What was read and what was skipped.
    pub reading: Reading,
}

impl Retail {
    /// Reads a CSV file, compressed with gzip or not.
    ///
    /// # Errors
    /// Where the file cannot be read, a column is missing, or a field holds something else than its column should; each
    /// with the line and the column.
    pub fn read(path: &Path) -> Result<Self, ReadError> {
        let lines = read::lines(path)?;
        let mut reading = Reading { lines: lines.len() as u64, ..Reading::default() };
        let sorted = happenings::sort(lines, &mut reading);
        let products = catalogue::products(&sorted.sold);
        reading.products = products.len() as u64;
        let happenings = happenings::build(sorted, &products, &mut reading);
        Ok(Self { products, happenings, reading })
    }

    /// The orders alone, by time.
    pub fn sales(&self) -> impl Iterator<Item = &Sale> {
        self.happenings.iter().filter_map(|happening| match happening {
            Happening::Sale(sale) => Some(sale),
            Happening::Return(_) => None,
        })
    }
}

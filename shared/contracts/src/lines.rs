//! Quantities, and the lines of orders and reservations.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Money, Sku};

/// A number that is no [`Quantity`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a whole number from 1 to {max}", max = Quantity::MAX)]
pub struct InvalidQuantity;

/// How many of a thing: 1 to 1,000,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "i64", into = "u32")]
#[schema(value_type = u32, minimum = 1, maximum = 1_000_000, example = 6)]
pub struct Quantity(u32);

impl Quantity {
    /// The largest quantity.
    pub const MAX: u32 = 1_000_000;

    /// The number.
    pub fn get(self) -> u32 {
        self.0
    }

    /// The sum of both, or an error above [`Quantity::MAX`].
    pub fn plus(self, other: Self) -> Result<Self, InvalidQuantity> {
        Self::try_from(i64::from(self.0) + i64::from(other.0))
    }
}

impl TryFrom<i64> for Quantity {
    type Error = InvalidQuantity;

    fn try_from(number: i64) -> Result<Self, Self::Error> {
        match u32::try_from(number) {
            Ok(n @ 1..=Self::MAX) => Ok(Self(n)),
            _ => Err(InvalidQuantity),
        }
    }
}

impl From<Quantity> for u32 {
    fn from(quantity: Quantity) -> Self {
        quantity.0
    }
}

impl std::fmt::Display for Quantity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// One line of an order, at the price it was placed at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrderLine {
    /// What.
    pub sku: Sku,
    /// How many.
    pub quantity: Quantity,
    /// What one costs.
    pub unit_price: Money,
}

/// One line of a reservation: stock, without a price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StockLine {
    /// What.
    pub sku: Sku,
    /// How many.
    pub quantity: Quantity,
}

/// A line that lacked stock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Lacking {
    /// What.
    pub sku: Sku,
    /// How many the order asks for.
    pub requested: Quantity,
    /// How many there were when it was decided.
    pub available: i64,
}

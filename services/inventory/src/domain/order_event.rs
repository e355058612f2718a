//! What the order service tells, as far as stock is concerned.

use contracts::{
    InvalidQuantity, OrderId, OrderLine, Quantity, Sku, StockLine,
    event::{OrderCancelled, OrderConfirmed, OrderPlaced},
};

use super::merged::Merged;

/// What the order service tells of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderEvent {
    /// It wants these lines, each SKU once, at least one.
    Placed {
        /// Which order.
        order_id: OrderId,
        /// What it wants.
        lines: Vec<StockLine>,
    },
    /// It stands.
    Confirmed(OrderId),
    /// It was cancelled.
    Cancelled(OrderId),
}

/// Why an order's lines can't be reserved, ever.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLines {
    /// There are none.
    #[error("the order has no lines")]
    Empty,
    /// Lines of one SKU add up to more than a line can hold.
    #[error("the lines of {sku} add up to over {max}", max = Quantity::MAX)]
    TooMany {
        /// Which SKU.
        sku: Sku,
    },
}

impl OrderEvent {
    /// Which order it tells of.
    pub fn order_id(&self) -> OrderId {
        match self {
            Self::Placed { order_id, .. } | Self::Confirmed(order_id) | Self::Cancelled(order_id) => *order_id,
        }
    }

    /// What it does where nothing is to be told of it.
    pub fn effect(&self) -> &'static str {
        match self {
            Self::Confirmed(_) => "confirmed",
            Self::Placed { .. } | Self::Cancelled(_) => "unchanged",
        }
    }

    /// The lines that it wants.
    pub fn lines(&self) -> &[StockLine] {
        match self {
            Self::Placed { lines, .. } => lines,
            Self::Confirmed(_) | Self::Cancelled(_) => &[],
        }
    }
}

impl TryFrom<OrderPlaced> for OrderEvent {
    type Error = InvalidLines;

    fn try_from(placed: OrderPlaced) -> Result<Self, Self::Error> {
        Ok(Self::Placed { order_id: placed.order_id, lines: each_sku_once(placed.lines)? })
    }
}

impl From<OrderConfirmed> for OrderEvent {
    fn from(confirmed: OrderConfirmed) -> Self {
        Self::Confirmed(confirmed.order_id)
    }
}

impl From<OrderCancelled> for OrderEvent {
    fn from(cancelled: OrderCancelled) -> Self {
        Self::Cancelled(cancelled.order_id)
    }
}

/// The order service adds up lines of one SKU before it places an order. Nothing here depends on that: another writer
/// of the topic may not know it, and deciding line by line would then promise the same piece twice.
fn each_sku_once(lines: Vec<OrderLine>) -> Result<Vec<StockLine>, InvalidLines> {
    if lines.is_empty() {
        return Err(InvalidLines::Empty);
    }
    let mut merged = Merged::default();
    for OrderLine { sku, quantity, .. } in lines {
        merged.add(sku.clone(), quantity).map_err(|InvalidQuantity| InvalidLines::TooMany { sku })?;
    }
    Ok(merged.into_lines())
}

#[cfg(test)]
mod tests {
    use contracts::{Currency, Money};

    use super::*;

    fn lines(wanted: &[(&str, i64)]) -> Vec<OrderLine> {
        let line = |&(sku, quantity): &(&str, i64)| OrderLine {
            sku: sku.parse().unwrap(),
            quantity: Quantity::try_from(quantity).unwrap(),
            unit_price: Money { minor: 1, currency: Currency::GBP },
        };
        wanted.iter().map(line).collect()
    }

    #[test]
    fn lines_of_one_sku_are_added_up() {
        let merged = each_sku_once(lines(&[("B", 2), ("A", 1), ("B", 3)])).unwrap();
        let merged: Vec<_> = merged.iter().map(|line| (line.sku.as_str(), line.quantity.get())).collect();
        assert_eq!(merged, [("B", 5), ("A", 1)]);
    }

    #[test]
    fn no_lines_and_too_many_pieces_are_refused() {
        assert_eq!(each_sku_once(Vec::new()), Err(InvalidLines::Empty));
        let sku = "A".parse().unwrap();
        assert_eq!(each_sku_once(lines(&[("A", 1_000_000), ("A", 1)])), Err(InvalidLines::TooMany { sku }));
    }
}

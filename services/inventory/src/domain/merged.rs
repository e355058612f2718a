//! Lines of one SKU, added up.

use std::collections::HashMap;

use contracts::{InvalidQuantity, Quantity, Sku, StockLine};

/// Lines with each SKU once, where it first stood.
#[derive(Debug, Default)]
pub(super) struct Merged {
    lines: Vec<StockLine>,
    places: HashMap<Sku, usize>,
}

impl Merged {
    /// Adds a line, or its quantity to the line that has its SKU already.
    ///
    /// # Errors
    /// The sum is more than a line can hold.
    pub(super) fn add(&mut self, sku: Sku, quantity: Quantity) -> Result<(), InvalidQuantity> {
        if let Some(&place) = self.places.get(&sku) {
            let line = &mut self.lines[place];
            line.quantity = line.quantity.plus(quantity)?;
        } else {
            self.places.insert(sku.clone(), self.lines.len());
            self.lines.push(StockLine { sku, quantity });
        }
        Ok(())
    }

    pub(super) fn into_lines(self) -> Vec<StockLine> {
        self.lines
    }
}

//! Reservations that are made by a request, without an order of the order service.

mod answers;
#[cfg(test)]
mod tests;

use contracts::{
    InvalidQuantity, OrderId, Quantity, Sku, StockLine,
    order::{MAX_LINES, PlaceLine},
    problem::Fault,
    stock::Reserve,
};

use super::{OrderEvent, merged::Merged, whole::whole};

pub use answers::{Answer, Stood, answers};

/// What a caller wants reserved, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectReservation {
    order_id: OrderId,
    /// Its placing: it is decided as an order's would be.
    placing: OrderEvent,
}

impl DirectReservation {
    /// Checks `body`, and makes an id where it has none.
    ///
    /// # Errors
    /// Every fault of it, each with its JSON pointer, in the order in which they stand.
    pub fn check(body: &Reserve) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let order_id = body.order_id.as_deref().map_or_else(|| Some(OrderId::generate()), |id| own(id, &mut faults));
        let lines = lines(&body.lines, &mut faults);
        match order_id {
            Some(order_id) if faults.is_empty() => {
                Ok(Self { order_id, placing: OrderEvent::Placed { order_id, lines } })
            }
            _ => Err(faults),
        }
    }

    /// Under which id.
    pub fn order_id(&self) -> OrderId {
        self.order_id
    }

    /// What is wanted: each SKU once, at least one.
    pub fn lines(&self) -> &[StockLine] {
        self.placing.lines()
    }

    /// The event to decide.
    pub fn placing(&self) -> &OrderEvent {
        &self.placing
    }
}

/// An id of the caller's choice.
fn own(text: &str, faults: &mut Vec<Fault>) -> Option<OrderId> {
    let id = text.parse::<OrderId>().ok().filter(|id| id.as_uuid().get_version_num() == 7);
    if id.is_none() {
        faults.push(Fault::at("/order_id", "must be a UUID of version 7 (RFC 9562); leave it out to have one made"));
    }
    id
}

fn lines(wanted: &[PlaceLine], faults: &mut Vec<Fault>) -> Vec<StockLine> {
    match wanted.len() {
        0 => faults.push(Fault::at("/lines", "must hold at least one line")),
        count if count > MAX_LINES => {
            faults.push(Fault::at("/lines", format!("must hold at most {MAX_LINES} lines, holds {count}")));
        }
        _ => {
            let mut merged = Merged::default();
            wanted.iter().enumerate().for_each(|(index, wanted)| line(&mut merged, index, wanted, faults));
            return merged.into_lines();
        }
    }
    Vec::new()
}

fn line(merged: &mut Merged, index: usize, wanted: &PlaceLine, faults: &mut Vec<Fault>) {
    let sku = Sku::try_from(wanted.sku.as_str());
    let quantity = whole(&wanted.quantity).ok_or(InvalidQuantity).and_then(Quantity::try_from);
    if let Err(fault) = &sku {
        faults.push(Fault::at(format!("/lines/{index}/sku"), fault));
    }
    if let Err(fault) = &quantity {
        faults.push(Fault::at(format!("/lines/{index}/quantity"), fault));
    }
    if let (Ok(sku), Ok(quantity)) = (sku, quantity)
        && merged.add(sku, quantity).is_err()
    {
        let detail = format!("adds up with the lines before it of the same SKU to over {}", Quantity::MAX);
        faults.push(Fault::at(format!("/lines/{index}/quantity"), detail));
    }
}

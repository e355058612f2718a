//! What an order is and what may become of it: types and rules, without I/O.

mod decision;
mod draft;
mod fingerprint;
mod listing;
mod new_order;
mod stored;
mod verdict;

pub use decision::Decision;
pub use draft::Draft;
pub use fingerprint::Fingerprint;
pub use listing::Listing;
pub use new_order::{Claim, NewOrder};
pub use stored::{Cancellation, StoredOrder, Times};
pub use verdict::Verdict;

#[cfg(test)]
pub(crate) mod tests {
    use contracts::{Currency, Money, OrderLine, Quantity};

    use super::{Draft, NewOrder};

    /// An order of one line, as it is right after it was accepted.
    pub(crate) fn new_order() -> NewOrder {
        let unit_price = Money { minor: 255, currency: Currency::GBP };
        let quantity = Quantity::try_from(1).unwrap();
        let lines = vec![OrderLine { sku: "A".parse().unwrap(), quantity, unit_price }];
        NewOrder::place(Draft { customer_id: None, lines, total: unit_price }, None, Default::default())
    }
}

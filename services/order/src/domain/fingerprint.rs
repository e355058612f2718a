//! Telling a retry from another request under the same `Idempotency-Key`.

use sha2::{Digest, Sha256};

use super::Draft;

/// The SHA-256 of what a caller asked for, in a canonical form: white space, the order of JSON fields, `6` or `6.0`,
/// and one line or two of the same SKU make no difference; prices, which the shop sets, are not part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint of what `draft` asks for.
    pub fn of(draft: &Draft) -> Self {
        let mut hash = Sha256::new();
        // Every text stands behind its length, so that no two requests have the same bytes. No customer id is empty:
        // an empty text says that there is none.
        let mut text = |text: &str| {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        };
        text(draft.customer_id.as_ref().map_or("", |id| id.as_str()));
        draft.lines.iter().for_each(|line| text(line.sku.as_str()));
        draft.lines.iter().for_each(|line| hash.update(line.quantity.get().to_be_bytes()));
        Self(hash.finalize().into())
    }

    /// The hash, for stores.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use contracts::{Currency, Money, OrderLine, Quantity};
    use proptest::prelude::*;

    use super::*;

    fn draft(customer: Option<&str>, lines: &[(&str, u32)], price: i64) -> Draft {
        let unit_price = Money { minor: price, currency: Currency::GBP };
        let line = |&(sku, quantity): &(&str, u32)| OrderLine {
            sku: sku.parse().unwrap(),
            quantity: Quantity::try_from(i64::from(quantity)).unwrap(),
            unit_price,
        };
        Draft {
            customer_id: customer.map(|id| id.parse().unwrap()),
            lines: lines.iter().map(line).collect(),
            total: unit_price,
        }
    }

    #[test]
    fn a_price_makes_no_difference() {
        let lines = [("A", 1)];
        assert_eq!(Fingerprint::of(&draft(None, &lines, 1)), Fingerprint::of(&draft(None, &lines, 2)));
    }

    proptest! {
        #[test]
        fn only_equal_requests_have_equal_fingerprints(
            one in prop::collection::vec(("[AB]{1,3}", 1u32..4), 1..4),
            other in prop::collection::vec(("[AB]{1,3}", 1u32..4), 1..4),
            customers in (prop::option::of("[AB]{1,3}"), prop::option::of("[AB]{1,3}")),
        ) {
            let of = |customer: &Option<String>, lines: &[(String, u32)]| {
                let lines: Vec<_> = lines.iter().map(|(sku, n)| (sku.as_str(), *n)).collect();
                Fingerprint::of(&draft(customer.as_deref(), &lines, 1))
            };
            let equal = customers.0 == customers.1 && one == other;
            prop_assert_eq!(of(&customers.0, &one) == of(&customers.1, &other), equal);
        }
    }
}

//! From what a caller sent to a product that can be stored: every rule, and every fault at once.

use contracts::{
    Currency, Money, Sku,
    catalogue::{MAX_NAME_LENGTH, PutProduct},
    problem::Fault,
};

use super::{text, whole::whole};

/// The most a product costs, in minor units.
const MAX_PRICE: i64 = 1_000_000_000_000;

/// A product as a caller wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewProduct {
    /// Which.
    pub sku: Sku,
    /// Its name.
    pub name: String,
    /// What one costs.
    pub unit_price: Money,
}

impl NewProduct {
    /// Checks the SKU of the path, and `body`.
    ///
    /// # Errors
    /// Every fault of both, in the order in which they stand.
    pub fn check(sku: &str, body: PutProduct) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let sku = Sku::try_from(sku).map_err(|fault| faults.push(Fault::parameter("sku", fault)));
        if let Err(fault) = text::check(&body.name, MAX_NAME_LENGTH) {
            faults.push(Fault::at("/name", fault));
        }
        let minor = whole(&body.unit_price.minor).filter(|minor| (1..=MAX_PRICE).contains(minor));
        if minor.is_none() {
            let detail = format!("must be a whole number of minor units from 1 to {MAX_PRICE}");
            faults.push(Fault::at("/unit_price/minor", detail));
        }
        let currency = Currency::try_from(body.unit_price.currency.as_str());
        match currency {
            Err(fault) => faults.push(Fault::at("/unit_price/currency", fault)),
            Ok(Currency::GBP) => {}
            Ok(other) => {
                let detail = format!("must be {}: the shop sells in one currency, not in {other}", Currency::GBP);
                faults.push(Fault::at("/unit_price/currency", detail));
            }
        }
        match (sku, minor) {
            (Ok(sku), Some(minor)) if faults.is_empty() => {
                Ok(Self { sku, name: body.name, unit_price: Money { minor, currency: Currency::GBP } })
            }
            _ => Err(faults),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn check(sku: &str, body: Value) -> Result<NewProduct, Vec<String>> {
        let at = |fault: Fault| fault.pointer.or(fault.parameter).unwrap();
        let body = serde_json::from_value(body).unwrap();
        NewProduct::check(sku, body).map_err(|faults| faults.into_iter().map(at).collect())
    }

    fn product(minor: Value, currency: &str) -> Value {
        json!({"name": "MUG", "unit_price": {"minor": minor, "currency": currency}})
    }

    #[test]
    fn a_product_is_kept_as_given() {
        let made = check("85123A", product(json!(255), "GBP")).unwrap();
        assert_eq!(made.unit_price, Money { minor: 255, currency: Currency::GBP });
        assert_eq!((made.sku.as_str(), made.name.as_str()), ("85123A", "MUG"));
    }

    #[test]
    fn every_fault_is_named_with_its_place() {
        let faults = check("a/b", json!({"name": "", "unit_price": {"minor": 0, "currency": "gbp"}}));
        assert_eq!(faults.unwrap_err(), ["sku", "/name", "/unit_price/minor", "/unit_price/currency"]);
    }

    #[test]
    fn a_price_is_a_whole_number_of_pence() {
        for good in [json!(1), json!(255.0), json!(MAX_PRICE)] {
            assert!(check("A", product(good, "GBP")).is_ok());
        }
        for bad in [json!(0), json!(-1), json!(2.55), json!(MAX_PRICE + 1), json!(1e300)] {
            assert_eq!(check("A", product(bad, "GBP")).unwrap_err(), ["/unit_price/minor"]);
        }
        assert_eq!(check("A", product(json!(1), "EUR")).unwrap_err(), ["/unit_price/currency"]);
    }
}

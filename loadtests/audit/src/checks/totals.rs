//! What an order costs.

use std::collections::HashSet;

use super::Verdict;
use crate::case::{Case, Order};

pub(super) fn totals_add_up(case: &Case) -> Verdict {
    let Some(order) = &case.order else { return Verdict::Unconcerned };
    let mut faults = Vec::new();
    if order.lines.is_empty() {
        faults.push("expected at least one line, found none".to_owned());
    }
    let mut known = HashSet::with_capacity(order.lines.len());
    for line in &order.lines {
        if !known.insert(line.sku.as_str()) {
            faults.push(format!("expected each SKU once, found {} again", line.sku));
        }
        if line.quantity < 1 {
            faults.push(format!("expected at least 1 of {}, found {}", line.sku, line.quantity));
        }
        if line.unit_price.currency != order.currency {
            let (sku, found) = (&line.sku, &line.unit_price.currency);
            faults.push(format!("expected {sku} to be priced in {}, found {found}", order.currency));
        }
    }
    let sum = sum(order);
    if sum != i128::from(order.total_minor) {
        let Order { total_minor, currency, .. } = order;
        faults.push(format!(
            "expected a total of {sum}, as its lines add up to, found {total_minor} (minor units of {currency})"
        ));
    }
    Verdict::of(&faults)
}

/// The sum of its lines in minor units. Where not even 128 bits hold it, the largest that they do: no total is that.
fn sum(order: &Order) -> i128 {
    let costs = order.lines.iter().map(|line| i128::from(line.quantity) * i128::from(line.unit_price.minor));
    costs.fold(0, i128::saturating_add)
}

#[cfg(test)]
mod tests {
    use contracts::{OrderId, Timestamp, order::OrderStatus};

    use super::*;
    use crate::case::{OrderLine, Price};

    fn faults(total_minor: i64, lines: &[(&str, i64, i64, &str)]) -> Option<String> {
        let line = |&(sku, quantity, minor, currency): &(&str, i64, i64, &str)| OrderLine {
            sku: sku.into(),
            quantity,
            unit_price: Price { minor, currency: currency.into() },
        };
        let order = Order {
            status: OrderStatus::Confirmed,
            placed_at: Timestamp::now(),
            lines: lines.iter().map(line).collect(),
            total_minor,
            currency: "GBP".into(),
            rejection: None,
        };
        let case = Case { id: OrderId::generate(), order: Some(order), reservation: None, keys: Vec::new() };
        match totals_add_up(&case) {
            Verdict::Wrong(what) => Some(what),
            Verdict::Right => None,
            Verdict::Unconcerned => panic!("every order has a total"),
        }
    }

    #[test]
    fn a_total_is_the_sum_of_the_lines() {
        let lines = [("A", 2, 255, "GBP"), ("B", 3, 10, "GBP")];
        assert_eq!(faults(540, &lines), None);
        let found = "expected a total of 540, as its lines add up to, found 541 (minor units of GBP)";
        assert_eq!(faults(541, &lines).unwrap(), found);
    }

    #[test]
    fn every_fault_is_named() {
        let found = faults(0, &[("A", 0, 1, "GBP"), ("A", 1, 1, "EUR")]).unwrap();
        let expected = "expected at least 1 of A, found 0; expected each SKU once, found A again; \
            expected A to be priced in GBP, found EUR; \
            expected a total of 1, as its lines add up to, found 0 (minor units of GBP)";
        assert_eq!(found, expected);
        assert_eq!(faults(0, &[]).unwrap(), "expected at least one line, found none");
    }

    #[test]
    fn no_sum_overflows() {
        let line = ("A", i64::MAX, i64::MAX, "GBP");
        assert!(faults(i64::MAX, &[line, line, line]).unwrap().contains(&format!("a total of {}", i128::MAX)));
    }
}

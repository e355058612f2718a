//! From what a caller sent to an order that can be placed: every rule, and every fault at once.

use std::collections::HashMap;

use contracts::{
    Currency, CustomerId, InvalidQuantity, Money, OrderLine, Quantity, Sku,
    order::{MAX_LINES, PlaceLine, PlaceOrder},
    problem::Fault,
};

/// What a caller wants, checked and priced, each SKU once in the order they first stood in the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Who orders, where known.
    pub customer_id: Option<CustomerId>,
    /// What is ordered: at least one line.
    pub lines: Vec<OrderLine>,
    /// The sum of the lines.
    pub total: Money,
}

impl Draft {
    /// Checks `body` against the rules and the prices of the catalogue. `product` gives a SKU's price, or `None`
    /// for a SKU that is not sold.
    ///
    /// # Errors
    /// Every fault of the body, each with its JSON pointer, in the order in which they stand in it.
    pub fn check(body: &PlaceOrder, product: impl Fn(&str) -> Option<(Sku, Money)>) -> Result<Self, Vec<Fault>> {
        let mut check = Check::default();
        let customer_id = check.customer(body.customer_id.as_deref());
        match body.lines.len() {
            0 => check.faults.push(Fault::at("/lines", "must hold at least one line")),
            count if count > MAX_LINES => {
                check.faults.push(Fault::at("/lines", format!("must hold at most {MAX_LINES} lines, holds {count}")));
            }
            _ => {
                check.lines.reserve_exact(body.lines.len());
                check.many = body.lines.len() > FEW;
                body.lines.iter().enumerate().for_each(|(index, line)| check.line(index, line, &product));
            }
        }
        let total = check.total();
        match total {
            Some(total) if check.faults.is_empty() => Ok(Self { customer_id, lines: check.lines, total }),
            _ => Err(check.faults),
        }
    }
}

/// Among so many lines one is found sooner by looking through them than by hashing.
const FEW: usize = 16;

#[derive(Default)]
struct Check {
    faults: Vec<Fault>,
    lines: Vec<OrderLine>,
    many: bool,
    /// Where each SKU stands in `lines`, when they are many.
    places: HashMap<Sku, usize>,
    currency: Option<Currency>,
}

impl Check {
    fn customer(&mut self, text: Option<&str>) -> Option<CustomerId> {
        match CustomerId::try_from(text?) {
            Ok(id) => Some(id),
            Err(fault) => {
                self.faults.push(Fault::at("/customer_id", fault));
                None
            }
        }
    }

    fn line(&mut self, index: usize, line: &PlaceLine, product: impl Fn(&str) -> Option<(Sku, Money)>) {
        let sold = product(&line.sku);
        if sold.is_none() {
            let fault = match Sku::try_from(line.sku.as_str()) {
                Ok(_) => "is not in the catalogue".to_owned(),
                Err(fault) => fault.to_string(),
            };
            self.faults.push(Fault::at(format!("/lines/{index}/sku"), fault));
        }
        let quantity = parse_quantity(&line.quantity);
        if let Err(fault) = quantity {
            self.faults.push(Fault::at(format!("/lines/{index}/quantity"), fault));
        }
        if let (Some((sku, unit_price)), Ok(quantity)) = (sold, quantity) {
            self.add(index, OrderLine { sku, quantity, unit_price });
        }
    }

    /// Adds a line, or its quantity to the line that has its SKU already.
    fn add(&mut self, index: usize, line: OrderLine) {
        let currency = *self.currency.get_or_insert(line.unit_price.currency);
        if line.unit_price.currency != currency {
            let detail = format!(
                "is sold in {}, and the lines before it in {currency}: an order has one currency",
                line.unit_price.currency
            );
            self.faults.push(Fault::at(format!("/lines/{index}/sku"), detail));
            return;
        }
        let place = if self.many {
            self.places.get(&line.sku).copied()
        } else {
            self.lines.iter().position(|earlier| earlier.sku == line.sku)
        };
        match place {
            Some(place) => match self.lines[place].quantity.plus(line.quantity) {
                Ok(sum) => self.lines[place].quantity = sum,
                Err(InvalidQuantity) => {
                    let detail = format!("adds up with the lines before it of the same SKU to over {}", Quantity::MAX);
                    self.faults.push(Fault::at(format!("/lines/{index}/quantity"), detail));
                }
            },
            None => {
                if self.many {
                    self.places.insert(line.sku.clone(), self.lines.len());
                }
                self.lines.push(line);
            }
        }
    }

    /// The sum of the lines; `None`, with a fault where there is none yet, when it can't be told.
    fn total(&mut self) -> Option<Money> {
        let mut amounts = self.lines.iter().map(|line| line.unit_price.times(line.quantity));
        let first = amounts.next()?;
        let total = amounts.fold(first, |sum, amount| sum?.plus(amount?));
        if total.is_none() {
            self.faults.push(Fault::at("/lines", "their total does not fit 64 bits of minor units"));
        }
        total
    }
}

/// A whole number as JSON Schema has it: `6`, `6.0` and `6e0` are all one.
fn parse_quantity(number: &serde_json::Number) -> Result<Quantity, InvalidQuantity> {
    let whole = number.as_i64().or_else(|| {
        let float = number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() <= f64::from(u32::MAX))?;
        Some(float as i64)
    });
    Quantity::try_from(whole.ok_or(InvalidQuantity)?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn money(minor: i64, currency: &str) -> Money {
        Money { minor, currency: currency.parse().unwrap() }
    }

    /// A catalogue: A costs 255, B 100, DEAR the most there is, E is sold in euros.
    fn product(sku: &str) -> Option<(Sku, Money)> {
        let price = match sku {
            "A" => money(255, "GBP"),
            "B" => money(100, "GBP"),
            "DEAR" => money(i64::MAX, "GBP"),
            "E" => money(1, "EUR"),
            _ => return None,
        };
        Some((sku.parse().unwrap(), price))
    }

    fn check(body: serde_json::Value) -> Result<Draft, Vec<String>> {
        let body: PlaceOrder = serde_json::from_value(body).unwrap();
        Draft::check(&body, product).map_err(|faults| faults.into_iter().map(|f| f.pointer.unwrap()).collect())
    }

    #[test]
    fn lines_of_one_sku_are_added_up_where_they_first_stood() {
        let draft = check(json!({"customer_id": "17850", "lines": [
            {"sku": "B", "quantity": 2}, {"sku": "A", "quantity": 1}, {"sku": "B", "quantity": 3},
        ]}))
        .unwrap();
        let lines: Vec<_> = draft.lines.iter().map(|line| (line.sku.as_str(), line.quantity.get())).collect();
        assert_eq!(lines, [("B", 5), ("A", 1)]);
        assert_eq!(draft.total, money(755, "GBP"));
        assert_eq!(draft.customer_id.unwrap().as_str(), "17850");
    }

    #[test]
    fn every_fault_is_named_with_its_pointer() {
        let faults = check(json!({"customer_id": "", "lines": [
            {"sku": "NOPE", "quantity": 0},
            {"sku": "A", "quantity": 1.5},
            {"sku": "", "quantity": -1},
            {"sku": "A", "quantity": 1_000_001},
            {"sku": "A", "quantity": 1},
            {"sku": "E", "quantity": 1},
        ]}));
        let expected = [
            "/customer_id",
            "/lines/0/sku",
            "/lines/0/quantity",
            "/lines/1/quantity",
            "/lines/2/sku",
            "/lines/2/quantity",
            "/lines/3/quantity",
            "/lines/5/sku",
        ];
        assert_eq!(faults.unwrap_err(), expected);
    }

    #[test]
    fn a_sum_over_the_most_is_a_fault_of_the_later_line() {
        let faults = check(json!({"lines": [{"sku": "A", "quantity": 1_000_000}, {"sku": "A", "quantity": 1}]}));
        assert_eq!(faults.unwrap_err(), ["/lines/1/quantity"]);
    }

    #[test]
    fn a_total_that_does_not_fit_is_a_fault_of_the_lines() {
        for lines in [
            json!([{"sku": "DEAR", "quantity": 2}]),
            json!([{"sku": "DEAR", "quantity": 1}, {"sku": "A", "quantity": 1}]),
        ] {
            assert_eq!(check(json!({ "lines": lines })).unwrap_err(), ["/lines"]);
        }
    }

    #[test]
    fn no_lines_and_too_many_are_a_fault_of_the_lines() {
        assert_eq!(check(json!({"lines": []})).unwrap_err(), ["/lines"]);
        let line = json!({"sku": "A", "quantity": 1});
        assert!(check(json!({"lines": vec![line.clone(); MAX_LINES]})).is_ok());
        assert_eq!(check(json!({"lines": vec![line; MAX_LINES + 1]})).unwrap_err(), ["/lines"]);
    }

    #[test]
    fn a_whole_number_may_be_written_as_json_has_it() {
        let numbers: Vec<serde_json::Number> =
            serde_json::from_str("[6, 6.0, 6e0, 0, 1.5, -1, 1e300, 18446744073709551615, 1000001]").unwrap();
        let quantities: Vec<_> = numbers.iter().map(|number| parse_quantity(number).ok().map(Quantity::get)).collect();
        assert_eq!(quantities, [Some(6), Some(6), Some(6), None, None, None, None, None, None]);
    }

    proptest! {
        #[test]
        fn a_draft_keeps_every_piece_and_its_price(
            wanted in prop::collection::vec((prop::sample::select(vec!["A", "B"]), 1u32..1_000), 1..50),
        ) {
            let line = |(sku, quantity): &(&str, u32)| json!({"sku": sku, "quantity": quantity});
            let lines: Vec<_> = wanted.iter().map(line).collect();
            let draft = check(json!({ "lines": lines })).unwrap();
            let pieces = |sku: &str| -> u32 { wanted.iter().filter(|(s, _)| *s == sku).map(|(_, n)| n).sum() };
            for line in &draft.lines {
                prop_assert_eq!(line.quantity.get(), pieces(line.sku.as_str()));
            }
            let total = i64::from(pieces("A")) * 255 + i64::from(pieces("B")) * 100;
            prop_assert_eq!(draft.total, money(total, "GBP"));
            let mut skus: Vec<_> = draft.lines.iter().map(|line| &line.sku).collect();
            skus.sort();
            skus.dedup();
            prop_assert_eq!(skus.len(), draft.lines.len());
        }

        #[test]
        fn no_body_makes_it_panic(
            lines in prop::collection::vec((".{0,40}", any::<f64>()), 0..20),
            customer in prop::option::of(".{0,80}"),
        ) {
            let lines = lines
                .into_iter()
                .filter_map(|(sku, n)| Some(PlaceLine { sku, quantity: serde_json::Number::from_f64(n)? }))
                .collect();
            let _ = Draft::check(&PlaceOrder { customer_id: customer, lines }, product);
        }
    }
}

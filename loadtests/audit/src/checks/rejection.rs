//! What an order says about why it was rejected.

use contracts::order::OrderStatus;

use super::Verdict;
use crate::case::{Case, Lacking, Order, Rejection};

const INSUFFICIENT_STOCK: &str = "insufficient_stock";
const RESERVATION_EXPIRED: &str = "reservation_expired";

/// A CANCELLED order may have any: inventory's word on an order that its customer had cancelled first, or that its
/// reservation expired.
pub(super) fn rejection_says_why(case: &Case) -> Verdict {
    let Some(order) = &case.order else { return Verdict::Unconcerned };
    match (order.status, &order.rejection) {
        (OrderStatus::Cancelled, _) => Verdict::Unconcerned,
        (OrderStatus::Pending | OrderStatus::Confirmed, None) => Verdict::Right,
        (OrderStatus::Pending | OrderStatus::Confirmed, Some(Rejection { reason, .. })) => {
            Verdict::Wrong(format!("expected no rejection of a {} order, found {reason:?}", order.status))
        }
        (OrderStatus::Rejected, None) => Verdict::Wrong("expected why it was rejected, found nothing".to_owned()),
        (OrderStatus::Rejected, Some(rejection)) => match rejection.reason.as_str() {
            RESERVATION_EXPIRED => Verdict::Right,
            INSUFFICIENT_STOCK => lacking(order, &rejection.lines),
            reason => Verdict::Wrong(format!(
                "expected {INSUFFICIENT_STOCK:?} or {RESERVATION_EXPIRED:?} as its reason, found {reason:?}"
            )),
        },
    }
}

fn lacking(order: &Order, lines: &[Lacking]) -> Verdict {
    if lines.is_empty() {
        return Verdict::Wrong("expected at least one line that lacked, found none".to_owned());
    }
    let mut faults = Vec::new();
    for Lacking { sku, requested, available } in lines {
        match order.lines.iter().find(|line| line.sku == *sku) {
            None => faults.push(format!("expected only lines of the order to have lacked, found {sku}")),
            Some(line) if line.quantity != *requested => {
                let ordered = line.quantity;
                faults.push(format!("expected {ordered} of {sku} to have lacked, as ordered, found {requested}"));
            }
            Some(_) => {}
        }
        if requested <= available {
            faults.push(format!("expected fewer than {requested} of {sku} to have been available, found {available}"));
        }
    }
    Verdict::of(&faults)
}

#[cfg(test)]
mod tests {
    use contracts::{OrderId, Timestamp};
    use serde_json::{Value, json};

    use super::*;
    use crate::case::{OrderLine, Price};

    /// The verdict on an order of 3 A.
    fn verdict(status: OrderStatus, rejection: Value) -> Verdict {
        let unit_price = Price { minor: 1, currency: "GBP".into() };
        let order = Order {
            status,
            placed_at: Timestamp::now(),
            lines: vec![OrderLine { sku: "A".into(), quantity: 3, unit_price }],
            total_minor: 3,
            currency: "GBP".into(),
            rejection: serde_json::from_value(rejection).unwrap(),
        };
        rejection_says_why(&Case { id: OrderId::generate(), order: Some(order), reservation: None, keys: Vec::new() })
    }

    fn lacked(sku: &str, requested: i64, available: i64) -> Value {
        json!({"reason": "insufficient_stock", "lines": [{"sku": sku, "requested": requested, "available": available}]})
    }

    #[test]
    fn only_a_rejected_order_says_why() {
        for why in [lacked("A", 3, 2), json!({"reason": "reservation_expired"})] {
            assert_eq!(verdict(OrderStatus::Rejected, why.clone()), Verdict::Right);
            assert_eq!(verdict(OrderStatus::Cancelled, why.clone()), Verdict::Unconcerned);
            assert!(matches!(verdict(OrderStatus::Pending, why.clone()), Verdict::Wrong(_)));
            assert!(matches!(verdict(OrderStatus::Confirmed, why), Verdict::Wrong(_)));
        }
        assert!(matches!(verdict(OrderStatus::Rejected, Value::Null), Verdict::Wrong(_)));
        for status in [OrderStatus::Pending, OrderStatus::Confirmed] {
            assert_eq!(verdict(status, Value::Null), Verdict::Right);
        }
    }

    #[test]
    fn what_lacked_is_a_line_of_the_order_of_which_there_was_less() {
        let none = json!({"reason": "insufficient_stock", "lines": []});
        let unknown = json!({"reason": "weather"});
        for wrong in [lacked("A", 3, 3), lacked("A", 2, 1), lacked("B", 3, 0), none, unknown] {
            assert!(matches!(verdict(OrderStatus::Rejected, wrong.clone()), Verdict::Wrong(_)), "{wrong}");
        }
    }
}

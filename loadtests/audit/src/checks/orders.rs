//! Orders and their reservations.

use std::collections::BTreeMap;

use contracts::{order::OrderStatus, stock::ReservationStatus};

use super::Verdict;
use crate::case::{Case, Order, Reservation};

/// How many SKUs a sentence names at most.
const NAMED: usize = 5;

/// The reservation is the one row under the order's id: that there is no second one is the primary key's affair.
pub(super) fn confirmed_is_reserved(case: &Case) -> Verdict {
    let Some(order) = with_status(case, OrderStatus::Confirmed) else { return Verdict::Unconcerned };
    match &case.reservation {
        None => Verdict::Wrong("expected a live reservation, found none".to_owned()),
        Some(reservation) if !reservation.is_live() => {
            Verdict::Wrong(format!("expected a live reservation, found a {} one", reservation.status_name()))
        }
        Some(reservation) => match differences(order, reservation) {
            found if found.is_empty() => Verdict::Right,
            found => Verdict::Wrong(format!("expected its lines to be reserved, found {}", some(&found))),
        },
    }
}

pub(super) fn confirmed_is_settled(case: &Case) -> Verdict {
    let confirmed = with_status(case, OrderStatus::Confirmed);
    match (confirmed, &case.reservation) {
        (Some(_), Some(Reservation { status: ReservationStatus::Held, .. })) => {
            Verdict::Wrong("expected a CONFIRMED reservation, found a HELD one, which will expire".to_owned())
        }
        (Some(_), Some(Reservation { status: ReservationStatus::Confirmed, .. })) => Verdict::Right,
        _ => Verdict::Unconcerned,
    }
}

pub(super) fn rejected_or_cancelled_holds_nothing(case: &Case) -> Verdict {
    let ended = with_status(case, OrderStatus::Rejected).or_else(|| with_status(case, OrderStatus::Cancelled));
    match (ended, &case.reservation) {
        (None, _) => Verdict::Unconcerned,
        (Some(order), Some(reservation)) if reservation.is_live() => {
            let held: Vec<String> =
                reservation.lines.iter().map(|line| format!("{} of {}", line.quantity, line.sku)).collect();
            Verdict::Wrong(format!(
                "expected no live reservation for a {} order, found a {} one: {}",
                order.status,
                reservation.status_name(),
                some(&held)
            ))
        }
        (Some(_), _) => Verdict::Right,
    }
}

pub(super) fn reservation_has_order(case: &Case) -> Verdict {
    match (&case.reservation, &case.order) {
        (None, _) => Verdict::Unconcerned,
        (Some(Reservation { direct: true, .. }), Some(order)) => {
            Verdict::Wrong(format!("expected no order for a direct reservation, found a {} one", order.status))
        }
        (Some(Reservation { direct: true, .. }), None) | (Some(_), Some(_)) => Verdict::Right,
        (Some(reservation), None) => {
            Verdict::Wrong(format!("expected an order, found only a {} reservation", reservation.status_name()))
        }
    }
}

pub(super) fn every_order_is_final(case: &Case) -> Verdict {
    match &case.order {
        None => Verdict::Unconcerned,
        Some(order) if order.status.is_final() => Verdict::Right,
        Some(order) => {
            Verdict::Wrong(format!("expected a decision, found it {}, placed at {}", order.status, order.placed_at))
        }
    }
}

fn with_status(case: &Case, status: OrderStatus) -> Option<&Order> {
    case.order.as_ref().filter(|order| order.status == status)
}

/// Each SKU of which not as many are reserved as ordered.
fn differences(order: &Order, reservation: &Reservation) -> Vec<String> {
    let mut pieces: BTreeMap<&str, (i128, i128)> = BTreeMap::new();
    for line in &order.lines {
        pieces.entry(&line.sku).or_default().0 += i128::from(line.quantity);
    }
    for line in &reservation.lines {
        pieces.entry(&line.sku).or_default().1 += i128::from(line.quantity);
    }
    let different = pieces.into_iter().filter(|(_, (ordered, reserved))| ordered != reserved);
    different.map(|(sku, (ordered, reserved))| format!("{ordered} of {sku} ordered and {reserved} reserved")).collect()
}

/// The first of these, and how many more there are.
fn some(things: &[String]) -> String {
    let named = things[..things.len().min(NAMED)].join(", ");
    match things.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use contracts::{OrderId, Timestamp};

    use super::*;
    use crate::case::{OrderLine, Price, ReservedLine};

    fn case(order: Option<OrderStatus>, reservation: Option<ReservationStatus>) -> Case {
        let order = order.map(|status| Order {
            status,
            placed_at: Timestamp::now(),
            lines: vec![OrderLine {
                sku: "A".into(),
                quantity: 2,
                unit_price: Price { minor: 5, currency: "GBP".into() },
            }],
            total_minor: 10,
            currency: "GBP".into(),
            rejection: None,
        });
        let lines = vec![ReservedLine { sku: "A".into(), quantity: 2 }];
        let reservation = reservation.map(|status| Reservation { status, lines, direct: false });
        Case { id: OrderId::generate(), order, reservation, keys: Vec::new() }
    }

    #[test]
    fn only_a_confirmed_order_needs_its_lines_reserved() {
        use ReservationStatus::{Confirmed, Held, Rejected, Released};
        for status in OrderStatus::ALL {
            for (reservation, right) in [
                (Some(Held), true),
                (Some(Confirmed), true),
                (Some(Rejected), false),
                (Some(Released), false),
                (None, false),
            ] {
                let verdict = confirmed_is_reserved(&case(Some(status), reservation));
                match (status, right) {
                    (OrderStatus::Confirmed, true) => assert_eq!(verdict, Verdict::Right),
                    (OrderStatus::Confirmed, false) => assert!(matches!(verdict, Verdict::Wrong(_))),
                    _ => assert_eq!(verdict, Verdict::Unconcerned),
                }
            }
        }
    }

    #[test]
    fn other_pieces_than_were_ordered_are_named() {
        let mut odd = case(Some(OrderStatus::Confirmed), Some(ReservationStatus::Held));
        let lines = [("A", 3), ("B", 1)].map(|(sku, quantity)| ReservedLine { sku: sku.into(), quantity });
        odd.reservation.as_mut().unwrap().lines = lines.into();
        let found =
            "expected its lines to be reserved, found 2 of A ordered and 3 reserved, 0 of B ordered and 1 reserved";
        assert_eq!(confirmed_is_reserved(&odd), Verdict::Wrong(found.to_owned()));
    }

    #[test]
    fn live_reservations_are_for_orders_that_stand() {
        use ReservationStatus::{Held, Rejected};
        for ended in [OrderStatus::Rejected, OrderStatus::Cancelled] {
            let held = rejected_or_cancelled_holds_nothing(&case(Some(ended), Some(Held)));
            assert!(matches!(held, Verdict::Wrong(what) if what.ends_with("found a HELD one: 2 of A")));
            assert_eq!(rejected_or_cancelled_holds_nothing(&case(Some(ended), Some(Rejected))), Verdict::Right);
            assert_eq!(rejected_or_cancelled_holds_nothing(&case(Some(ended), None)), Verdict::Right);
        }
        let pending = case(Some(OrderStatus::Pending), Some(Held));
        assert_eq!(rejected_or_cancelled_holds_nothing(&pending), Verdict::Unconcerned);
        assert!(matches!(reservation_has_order(&case(None, Some(Held))), Verdict::Wrong(_)));
        assert_eq!(reservation_has_order(&pending), Verdict::Right);
    }

    #[test]
    fn a_direct_reservation_has_no_order() {
        let mut direct = case(None, Some(ReservationStatus::Held));
        direct.reservation.as_mut().unwrap().direct = true;
        assert_eq!(reservation_has_order(&direct), Verdict::Right);
        direct.order = case(Some(OrderStatus::Confirmed), None).order;
        let found = "expected no order for a direct reservation, found a CONFIRMED one";
        assert_eq!(reservation_has_order(&direct), Verdict::Wrong(found.to_owned()));
    }

    #[test]
    fn a_confirmed_order_is_settled_when_its_reservation_is_confirmed() {
        let of = |reservation| confirmed_is_settled(&case(Some(OrderStatus::Confirmed), reservation));
        assert_eq!(of(Some(ReservationStatus::Confirmed)), Verdict::Right);
        assert!(matches!(of(Some(ReservationStatus::Held)), Verdict::Wrong(_)));
        // These are found by another rule.
        assert_eq!(of(Some(ReservationStatus::Released)), Verdict::Unconcerned);
        assert_eq!(of(None), Verdict::Unconcerned);
    }

    #[test]
    fn long_lists_are_cut() {
        let things: Vec<String> = (1..=7).map(|n| n.to_string()).collect();
        assert_eq!(some(&things), "1, 2, 3, 4, 5 and 2 more");
        assert_eq!(some(&things[..5]), "1, 2, 3, 4, 5");
    }
}

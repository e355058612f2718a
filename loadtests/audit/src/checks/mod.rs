//! What must hold, as rules without I/O.

pub(crate) mod acknowledged;
mod orders;
pub(crate) mod oversold;
mod rejection;
pub(crate) mod stock;
mod totals;

use serde::Serialize;

use crate::{Subject, case::Case, findings::Findings};

/// Something that must hold. As JSON it is its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// Every piece that was ever added is available or in a live reservation.
    StockAddsUp,
    /// No stock is below 0.
    StockNotNegative,
    /// No piece is reserved that was never there.
    StockNotOversold,
    /// What a CONFIRMED order asks for is reserved.
    ConfirmedIsReserved,
    /// No stock is kept for a REJECTED or CANCELLED order.
    RejectedOrCancelledHoldsNothing,
    /// No stock was ever asked for by an order that does not exist, and none of a direct reservation by one that does.
    ReservationHasOrder,
    /// An order costs what its lines cost.
    TotalsAddUp,
    /// A REJECTED order says why, and no PENDING or CONFIRMED one does.
    RejectionSaysWhy,
    /// No order waits.
    EveryOrderIsFinal,
    /// What was acknowledged exists, once.
    AcknowledgedExists,
    /// Nothing waits to be sent.
    OutboxEmpty,
    /// Every message could be processed.
    DeadLettersEmpty,
    /// Inventory knows which orders are CONFIRMED.
    ConfirmedIsSettled,
}

impl Check {
    /// Every check, in the order of reports.
    pub const ALL: [Self; 13] = [
        Self::StockAddsUp,
        Self::StockNotNegative,
        Self::StockNotOversold,
        Self::ConfirmedIsReserved,
        Self::ConfirmedIsSettled,
        Self::RejectedOrCancelledHoldsNothing,
        Self::ReservationHasOrder,
        Self::TotalsAddUp,
        Self::RejectionSaysWhy,
        Self::EveryOrderIsFinal,
        Self::AcknowledgedExists,
        Self::OutboxEmpty,
        Self::DeadLettersEmpty,
    ];

    /// Its name, which stays the same.
    pub fn name(self) -> &'static str {
        self.words().0
    }

    /// What must hold, in one line.
    pub fn description(self) -> &'static str {
        self.words().1
    }

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::StockAddsUp => ("stock_adds_up", "available = adjustments - live reservations, for every SKU"),
            Self::StockNotNegative => ("stock_not_negative", "available and reserved are at least 0, for every SKU"),
            Self::StockNotOversold => {
                ("stock_not_oversold", "live reservations hold at most what adjustments add up to, for every SKU")
            }
            Self::ConfirmedIsReserved => {
                ("confirmed_is_reserved", "a CONFIRMED order has a live reservation of exactly its lines")
            }
            Self::RejectedOrCancelledHoldsNothing => {
                ("rejected_or_cancelled_holds_nothing", "a REJECTED or CANCELLED order has no live reservation")
            }
            Self::ReservationHasOrder => {
                ("reservation_has_order", "every reservation belongs to an order, save direct ones, which have none")
            }
            Self::TotalsAddUp => {
                ("totals_add_up", "an order's total is the sum of its lines: one currency, each SKU once, at least 1")
            }
            Self::RejectionSaysWhy => {
                ("rejection_says_why", "a REJECTED order names what lacked, a PENDING or CONFIRMED one nothing")
            }
            Self::EveryOrderIsFinal => ("every_order_is_final", "no order is PENDING"),
            Self::AcknowledgedExists => {
                ("acknowledged_exists", "every acknowledged order exists once, and every key stands for one order")
            }
            Self::OutboxEmpty => ("outbox_empty", "no event waits to be sent, in both databases"),
            Self::DeadLettersEmpty => ("dead_letters_empty", "no message was put aside, on every topic"),
            Self::ConfirmedIsSettled => {
                ("confirmed_is_settled", "a CONFIRMED order's live reservation is CONFIRMED, not HELD")
            }
        }
    }
}

/// What a rule says about one order.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Verdict {
    /// It is about other orders.
    Unconcerned,
    Right,
    /// What is expected, and what is found instead.
    Wrong(String),
}

impl Verdict {
    fn of(faults: &[String]) -> Self {
        if faults.is_empty() { Self::Right } else { Self::Wrong(faults.join("; ")) }
    }
}

/// A rule about one order, by itself.
type Rule = fn(&Case) -> Verdict;

const RULES: [(Check, Rule); 7] = [
    (Check::ConfirmedIsReserved, orders::confirmed_is_reserved),
    (Check::ConfirmedIsSettled, orders::confirmed_is_settled),
    (Check::RejectedOrCancelledHoldsNothing, orders::rejected_or_cancelled_holds_nothing),
    (Check::ReservationHasOrder, orders::reservation_has_order),
    (Check::TotalsAddUp, totals::totals_add_up),
    (Check::RejectionSaysWhy, rejection::rejection_says_why),
    (Check::EveryOrderIsFinal, orders::every_order_is_final),
];

/// Applies every rule about one order.
pub(crate) fn examine(case: &Case, findings: &mut Findings) {
    for (check, rule) in RULES {
        match rule(case) {
            Verdict::Unconcerned => {}
            Verdict::Right => findings.examined(check, 1),
            Verdict::Wrong(what) => {
                findings.examined(check, 1);
                findings.wrong(check, Subject::Order(case.id), what);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_check_stands_in_reports_once_under_its_name() {
        let all: HashSet<Check> = Check::ALL.into_iter().collect();
        assert_eq!(all.len(), Check::ALL.len());
        for check in Check::ALL {
            assert_eq!(serde_json::to_string(&check).unwrap(), format!("\"{}\"", check.name()));
            assert!(!check.description().contains('\n'));
        }
    }
}

//! Stock, SKU by SKU.

use std::collections::{BTreeMap, HashMap};

use super::{Check, oversold::Oversold};
use crate::{
    Subject,
    case::{Case, Reservation},
    findings::Findings,
};

/// What inventory keeps of one SKU: its row of stock, if it has one, and its adjustments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shelf {
    pub(crate) sku: String,
    pub(crate) level: Option<Level>,
    /// The sum of its adjustments. Seeding is adjustments too.
    pub(crate) adjusted: i128,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Level {
    pub(crate) available: i64,
    pub(crate) reserved: i64,
}

/// How many of each SKU live reservations hold.
#[derive(Debug, Default)]
pub(crate) struct Live(HashMap<String, i128>);

impl Live {
    pub(crate) fn add(&mut self, case: &Case) {
        let live = case.reservation.iter().filter(|reservation| reservation.is_live());
        for line in live.flat_map(|Reservation { lines, .. }| lines) {
            let pieces = i128::from(line.quantity);
            // Almost always the SKU is known, and its text need not be copied.
            match self.0.get_mut(&line.sku) {
                Some(sum) => *sum += pieces,
                None => drop(self.0.insert(line.sku.clone(), pieces)),
            }
        }
    }

    /// Examines the stock of one SKU. Whether it is oversold is told to the caller, who knows how to find out to whom.
    pub(crate) fn examine(&mut self, shelf: &Shelf, findings: &mut Findings) -> Option<Oversold> {
        let held = self.0.remove(&shelf.sku).unwrap_or_default();
        let subject = || Subject::Sku(shelf.sku.clone());
        findings.examined(Check::StockAddsUp, 1);
        if let Some(what) = faulty_sum(shelf, held) {
            findings.wrong(Check::StockAddsUp, subject(), what);
        }
        if let Some(level) = shelf.level {
            findings.examined(Check::StockNotNegative, 1);
            if let Some(what) = below_zero(level) {
                findings.wrong(Check::StockNotNegative, subject(), what);
            }
        }
        findings.examined(Check::StockNotOversold, 1);
        Oversold::of(&shelf.sku, held, shelf.adjusted)
    }

    /// Examines what is left when every SKU of the stock was: pieces of SKUs that are not kept.
    pub(crate) fn finish(self, findings: &mut Findings) -> Vec<Oversold> {
        let unkept = BTreeMap::from_iter(self.0).into_iter();
        let oversold = unkept.filter_map(|(sku, held)| {
            findings.examined(Check::StockAddsUp, 1);
            findings.examined(Check::StockNotOversold, 1);
            let what = format!("expected a row of stock, found none, though live reservations hold {held}");
            let oversold = Oversold::of(&sku, held, 0);
            findings.wrong(Check::StockAddsUp, Subject::Sku(sku), what);
            oversold
        });
        oversold.collect()
    }
}

fn faulty_sum(shelf: &Shelf, held: i128) -> Option<String> {
    let adjusted = shelf.adjusted;
    let Some(Level { available, reserved }) = shelf.level else {
        return Some(format!("expected a row of stock, found none, though adjustments add up to {adjusted}"));
    };
    let (available, reserved) = (i128::from(available), i128::from(reserved));
    let expected = (adjusted - held, held);
    (expected != (available, reserved)).then(|| {
        let lost = if available + reserved == adjusted { undone(held - reserved) } else { String::new() };
        format!(
            "expected {} available and {held} reserved (adjustments add up to {adjusted}, live reservations to \
             {held}), found {available} and {reserved}{lost}",
            expected.0
        )
    })
}

/// What it means that the row is right by itself, and reservations hold so many more than it says: it was written by
/// somebody who did not see what another had written.
fn undone(more: i128) -> String {
    let (pieces, what) =
        if more > 0 { (more, "reserved count as available") } else { (-more, "released count as reserved") };
    format!(": {pieces} {what}, as after an update that was lost")
}

fn below_zero(Level { available, reserved }: Level) -> Option<String> {
    (available < 0 || reserved < 0)
        .then(|| format!("expected neither below 0, found {available} available and {reserved} reserved"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shelf(available: i64, reserved: i64, adjusted: i128) -> Shelf {
        Shelf { sku: "A".into(), level: Some(Level { available, reserved }), adjusted }
    }

    #[test]
    fn what_was_added_is_available_or_held() {
        assert_eq!(faulty_sum(&shelf(7, 3, 10), 3), None);
        let found = "expected 7 available and 3 reserved (adjustments add up to 10, live reservations to 3), \
            found 8 and 3";
        assert_eq!(faulty_sum(&shelf(8, 3, 10), 3).unwrap(), found);
        // The sum is right, and yet one piece is promised twice.
        assert!(faulty_sum(&shelf(8, 2, 10), 3).is_some());
        assert!(faulty_sum(&Shelf { level: None, ..shelf(0, 0, 1) }, 0).is_some());
    }

    #[test]
    fn nothing_is_below_zero() {
        assert_eq!(below_zero(Level { available: 0, reserved: 0 }), None);
        for (available, reserved) in [(-1, 0), (0, -1)] {
            assert!(below_zero(Level { available, reserved }).is_some());
        }
    }
}

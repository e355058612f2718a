//! What is promised and was never there.

use contracts::{OrderId, Timestamp};

/// How many takers of a SKU are named at most.
pub(crate) const NAMED: usize = 5;

/// A SKU of which live reservations hold more than adjustments add up to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Oversold {
    pub(crate) sku: String,
    held: i128,
    adjusted: i128,
}

/// Whom pieces of it are promised to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Taker {
    /// The order, or what stands in its place for a direct reservation.
    pub(crate) order: OrderId,
    pub(crate) pieces: i64,
    /// When inventory decided so.
    pub(crate) decided_at: Timestamp,
    /// There is no order.
    pub(crate) direct: bool,
}

impl Oversold {
    /// `None` where there are as many as are held.
    pub(super) fn of(sku: &str, held: i128, adjusted: i128) -> Option<Self> {
        (held > adjusted).then(|| Self { sku: sku.to_owned(), held, adjusted })
    }

    /// How many are promised that were never there.
    pub(crate) fn pieces(&self) -> i128 {
        self.held.saturating_sub(self.adjusted)
    }

    /// What was expected and found, and who came last, given the last [`NAMED`] that did, the last one first. Said are
    /// only those for whom nothing was left.
    pub(crate) fn told(&self, last: &[Taker]) -> String {
        let Self { held, adjusted, .. } = self;
        let mut left = self.pieces();
        let mut late = Vec::new();
        for Taker { order, pieces, decided_at, direct } in last {
            if left <= 0 {
                break;
            }
            left -= i128::from(*pieces);
            let what = if *direct { "direct reservation" } else { "order" };
            late.push(format!("{what} {order} with {pieces} at {decided_at}"));
        }
        let more = if left > 0 && last.len() == NAMED { " and others before" } else { "" };
        format!(
            "expected live reservations to hold at most {adjusted}, which adjustments add up to, found {held}: oversold \
             by {}; last came {}{more}",
            self.pieces(),
            late.join(", "),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takers<const N: usize>(pieces: [i64; N]) -> [Taker; N] {
        pieces.map(|pieces| Taker { order: OrderId::generate(), pieces, decided_at: Timestamp::now(), direct: false })
    }

    #[test]
    fn as_many_as_there_ever_were_may_be_held() {
        assert_eq!(Oversold::of("A", 8, 8), None);
        assert_eq!(Oversold::of("A", 9, 8).unwrap().pieces(), 1);
        assert_eq!(Oversold::of("A", 1, -1).unwrap().pieces(), 2);
    }

    #[test]
    fn those_are_named_for_whom_nothing_was_left() {
        let oversold = Oversold::of("A", 11, 8).unwrap();
        let last @ [first, second, ..] = takers([2, 2, 1, 1, 1]);
        let found = "expected live reservations to hold at most 8, which adjustments add up to, found 11: oversold by 3; \
            last came ";
        let name = |taker: Taker| format!("order {} with {} at {}", taker.order, taker.pieces, taker.decided_at);
        assert_eq!(oversold.told(&last), format!("{found}{}, {}", name(first), name(second)));
        assert_eq!(oversold.told(&last[..1]), format!("{found}{}", name(first)), "there is no other");
        let many = takers([1; NAMED]);
        let named = many.map(name).join(", ");
        let oversold = Oversold { held: 20, ..oversold };
        assert!(oversold.told(&many).ends_with(&format!("oversold by 12; last came {named} and others before")));
    }
}

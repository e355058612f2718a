//! `eventual`: an answer is at most as old as a copy may be, by the age that it states; and, at every level, that age is
//! honest.

use std::time::Duration;

use contracts::consistency::Level;

use super::{Findings, Floor, Mine, Oldest, Rule};

/// Ages are told in whole milliseconds, and what is beyond is cut off.
const CUT_OFF: Duration = Duration::from_millis(1);

pub(super) fn check(mine: &Mine<'_>, acknowledged: &Floor, oldest: &Oldest, findings: &mut Findings) {
    for (n, operation, version) in mine.read() {
        let Some((level, shown)) = operation.shown() else { continue };
        if level == Level::Eventual && oldest.of(shown.by).is_some_and(|oldest| shown.age > oldest) {
            findings.violated(Rule::NotTooOld, n, None);
        }
        // The age is that of when the answer was made, which was not before the read began.
        let known = operation.begin.checked_sub(shown.age + CUT_OFF);
        let lacks = known.and_then(|known| acknowledged.before(known)).filter(|(least, _)| version < *least);
        if let Some((_, against)) = lacks {
            findings.violated(Rule::HonestAge, n, Some(against));
        } else if known.is_some() && version < mine.product.first.version {
            findings.violated(Rule::HonestAge, n, None);
        }
    }
}

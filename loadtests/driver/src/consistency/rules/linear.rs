//! `strong`: writes and strong reads are those of a register that is linearizable (Herlihy & Wing, *Linearizability: A
//! Correctness Condition for Concurrent Objects*, 1990).
//!
//! The order of the writes being known, so is that of all operations, but for reads of one version, which may come in any:
//! the first version's write, its reads, the next one's write, and so on. That order is a linearization if and only if it
//! keeps to real time: no operation ended before another began which it puts before it. So each is compared with the last,
//! by that order, of all that had ended when it began.
//!
//! Reads at other levels are no operations of this register: a replica may show a commit some time before the primary does,
//! as it stands in the log earlier than others see it.

use contracts::consistency::Level;

use super::{Findings, Floor, Mine, Operation, Rule};

pub(super) fn check(mine: &Mine<'_>, findings: &mut Findings) {
    let floor = Floor::of(operations(mine));
    for (n, operation, rank) in operations(mine) {
        if let Some((least, against)) = floor.before(operation.begin)
            && rank < least
        {
            findings.violated(Rule::Linearizable, n, Some(against));
        }
    }
    for (n, operation, version) in strong(mine) {
        // As it was before the first operation, it was known to all.
        if version < mine.product.first.version && floor.before(operation.begin).is_none() {
            findings.violated(Rule::Linearizable, n, None);
        }
    }
}

/// Each with its place in the only order that may be: a version's write stands before its reads.
fn operations<'a>(mine: &Mine<'a>) -> impl Iterator<Item = (usize, &'a Operation, u64)> {
    let written = mine.written().map(|(n, operation, version)| (n, operation, 2 * version));
    written.chain(strong(mine).map(|(n, operation, version)| (n, operation, 2 * version + 1)))
}

fn strong<'a>(mine: &Mine<'a>) -> impl Iterator<Item = (usize, &'a Operation, u64)> {
    mine.read().filter(|(_, operation, _)| operation.shown().is_some_and(|(level, _)| level == Level::Strong))
}

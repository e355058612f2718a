//! A version is of one write, has one value, and is shown to nobody before it is written.
//!
//! A write whose outcome is unknown names no version. The versions below the newest that no acknowledged write has must be
//! of such writes: as many, each of one that had begun when the first answer showed it, or a later version. Versions come
//! one after the other, so those that must have been there by a time are the lowest, and comparing the nth with the nth to
//! begin decides whether there is one for each (Hall 1935, of sets that contain each other).

use std::{collections::HashMap, time::Duration};

use super::{Findings, Mine, Rule};

/// What is known of a version: its value, and by whom; `None` where that was known before the first operation.
type Values = HashMap<u64, (i64, Option<usize>)>;

pub(super) fn check(mine: &Mine<'_>, findings: &mut Findings) {
    let writers = writers(mine, findings);
    let values = values(mine, findings);
    let doubtful: Vec<(Duration, i64)> =
        mine.operations.iter().filter_map(|(_, operation)| Some((operation.begin, operation.doubtful()?))).collect();
    steps(mine, &writers, &values, &doubtful, findings);
    unwritten(mine, &writers, doubtful, findings);
}

/// Who wrote each version: by acknowledgement. Nobody else did, and nobody was shown it before.
fn writers(mine: &Mine<'_>, findings: &mut Findings) -> HashMap<u64, usize> {
    let (mut writers, mut begins) = (HashMap::new(), HashMap::new());
    for (n, operation, version) in mine.written() {
        if version <= mine.product.first.version {
            findings.violated(Rule::OneValueAVersion, n, None);
        } else if let Some(first) = writers.insert(version, n) {
            findings.violated(Rule::OneValueAVersion, n, Some(first));
        }
        begins.insert(version, operation.begin);
    }
    for (n, operation, version) in mine.read() {
        if begins.get(&version).is_some_and(|begin| *begin > operation.end) {
            findings.violated(Rule::NothingFromTheFuture, n, writers.get(&version).copied());
        }
    }
    writers
}

/// Two that show one version show one value.
fn values(mine: &Mine<'_>, findings: &mut Findings) -> Values {
    let first = mine.product.first;
    let mut values = Values::from([(first.version, (first.available, None))]);
    let written = mine.operations.iter().filter_map(|(n, operation)| {
        let stock = operation.written()?.1;
        Some((*n, stock.version, stock.available))
    });
    let shown = mine.operations.iter().filter_map(|(n, operation)| {
        let shown = operation.shown()?.1;
        Some((*n, shown.version, shown.available?))
    });
    // Writes first: what they were answered is what reads have to show.
    for (n, version, available) in written.chain(shown) {
        let (known, by) = *values.entry(version).or_insert((available, Some(n)));
        if known != available {
            findings.violated(Rule::OneValueAVersion, n, by);
        }
    }
    values
}

/// A value is the one before it, changed by what was written.
fn steps(
    mine: &Mine<'_>,
    writers: &HashMap<u64, usize>,
    values: &Values,
    doubtful: &[(Duration, i64)],
    findings: &mut Findings,
) {
    let deltas: HashMap<usize, i64> =
        mine.operations.iter().filter_map(|(n, operation)| Some((*n, operation.written()?.0))).collect();
    let mut wrong = Vec::new();
    for (version, (available, by)) in values {
        let Some(((before, against), n)) = version.checked_sub(1).and_then(|before| values.get(&before)).zip(*by)
        else {
            continue;
        };
        let step = available.wrapping_sub(*before);
        let fits = match writers.get(version) {
            Some(writer) => deltas[writer] == step,
            None => doubtful.iter().any(|(_, delta)| *delta == step),
        };
        if !fits {
            wrong.push((n, *against));
        }
    }
    wrong.sort_unstable();
    for (n, against) in wrong {
        findings.violated(Rule::OneValueAVersion, n, against);
    }
}

/// There are as many writes of unknown outcome, begun in time, as there are versions that nobody has acknowledged.
fn unwritten(
    mine: &Mine<'_>,
    writers: &HashMap<u64, usize>,
    mut doubtful: Vec<(Duration, i64)>,
    findings: &mut Findings,
) {
    let mut answered: Vec<(u64, Duration, usize)> = mine
        .operations
        .iter()
        .filter_map(|(n, operation)| Some((operation.version()?, operation.end, *n)))
        .filter(|(version, ..)| *version > mine.product.first.version)
        .collect();
    answered.sort_unstable();
    doubtful.sort_unstable();
    let Some(&(newest, _, last)) = answered.last() else { return };
    // Of each version from the newest down: by when it must have been there, as it or a later one was shown.
    let (mut orphans, mut soonest) = (Vec::new(), (Duration::MAX, last));
    let mut rest = answered.as_slice();
    for version in (mine.product.first.version + 1..=newest).rev() {
        while let [before @ .., (shown, end, n)] = rest
            && *shown >= version
        {
            soonest = soonest.min((*end, *n));
            rest = before;
        }
        if !writers.contains_key(&version) {
            orphans.push(soonest);
        }
        // Beyond that it is said often enough.
        if orphans.len() > answered.len() + doubtful.len() {
            break;
        }
    }
    for (nth, (by, n)) in orphans.into_iter().rev().enumerate() {
        match doubtful.get(nth) {
            Some((begin, _)) if *begin <= by => {}
            Some(_) => findings.violated(Rule::NothingFromTheFuture, n, None),
            None => findings.violated(Rule::OneValueAVersion, n, None),
        }
    }
}

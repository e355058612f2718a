//! `session` and `monotonic`: the guarantees of Terry et al., *Session Guarantees for Weakly Consistent Replicated Data*
//! (1994), of each product.
//!
//! A session makes one operation after the other, so that what it knows of a product is one version of its own last write,
//! and one of the newest that it was shown. What an answer without a token showed is not known to the session.

use std::collections::HashMap;

use contracts::consistency::Level;

use super::{Findings, History, Rule};

/// The newest version, and by which operation.
type Newest = Option<(u64, usize)>;

/// What a session knows of a product.
#[derive(Debug, Default)]
struct Known {
    written: Newest,
    shown: Newest,
}

pub(super) fn check(history: &History, findings: &mut Findings) {
    let mut sessions: HashMap<(u32, u32), Known> = HashMap::new();
    let mut places: Vec<usize> = (0..history.operations.len()).collect();
    places.sort_by_key(|&n| history.operations[n].begin);
    for n in places {
        let operation = &history.operations[n];
        let known = sessions.entry((operation.session, operation.product)).or_default();
        if let Some((_, stock)) = operation.written() {
            known.written = known.written.max(Some((stock.version, n)));
        }
        let Some((level, shown)) = operation.shown() else { continue };
        let newer = |than: Newest| than.filter(|(version, _)| shown.version < *version).map(|(_, against)| against);
        let (own, seen) = (newer(known.written), newer(known.shown));
        findings.behind[n].session = own.is_some();
        findings.behind[n].monotonic = own.is_some() || seen.is_some();
        if matches!(level, Level::Session | Level::Monotonic) && own.is_some() {
            findings.violated(Rule::ReadYourWrites, n, own);
        }
        if level == Level::Monotonic && seen.is_some() {
            findings.violated(Rule::MonotonicReads, n, seen);
        }
        if shown.told {
            known.shown = known.shown.max(Some((shown.version, n)));
        }
    }
}

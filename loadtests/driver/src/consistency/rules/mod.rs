//! What each level promises, checked over a history.
//!
//! Every write of a product makes its version greater by one, and answers it. So the order of the writes is known, and what
//! is a search through all orders elsewhere (Gibbons & Korach, *Testing Shared Memories*, 1997, show it NP-complete) is a
//! comparison with a maximum here: the whole check takes n log n.

mod age;
mod floor;
mod linear;
mod sessions;
#[cfg(test)]
mod tests;
mod versions;

use std::{fmt, time::Duration};

use contracts::consistency::{Copy, Level};
use serde::Serialize;

use self::floor::Floor;
use super::history::{History, Operation};

/// A rule that answers keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Writes and strong reads take effect one at a time, each between its begin and its end (Herlihy & Wing 1990).
    Linearizable,
    /// A read shows its session's writes (Terry et al. 1994). Of `session` and `monotonic`.
    ReadYourWrites,
    /// A read shows nothing older than its session was shown (Terry et al. 1994). Of `monotonic`.
    MonotonicReads,
    /// A read of `eventual` is no older than a copy may be.
    NotTooOld,
    /// A read that says it is so old shows every write that was acknowledged so long before it began.
    HonestAge,
    /// No answer shows a write that had not begun when it ended.
    NothingFromTheFuture,
    /// A version is of one write and has one value: the one before it, changed by what was written.
    OneValueAVersion,
}

/// How old a copy may be that answers `eventual`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Oldest {
    /// What comes from the cache.
    pub cache: Duration,
    /// What comes from a replica.
    pub replica: Duration,
}

/// A rule that was not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Violation {
    /// Which.
    pub(super) rule: Rule,
    /// The operation that does not fit, as its place in the history.
    pub(super) operation: usize,
    /// What it does not fit to; `None` where that is not an operation.
    pub(super) against: Option<usize>,
}

/// What an answer showed of what other levels promise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Behind {
    /// It lacked a write that was acknowledged before it began.
    pub(super) strong: bool,
    /// It lacked a write of its session.
    pub(super) session: bool,
    /// It lacked that, or something that its session was shown.
    pub(super) monotonic: bool,
}

/// What a check found.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Findings {
    /// What is wrong, by operation.
    pub(super) violations: Vec<Violation>,
    /// Of each operation of the history; nothing is behind in what showed nothing.
    pub(super) behind: Vec<Behind>,
}

/// Checks every rule.
pub(super) fn check(history: &History, oldest: &Oldest) -> Findings {
    let mut findings = Findings { violations: Vec::new(), behind: vec![Behind::default(); history.operations.len()] };
    for mine in by_product(history) {
        let acknowledged = Floor::of(mine.written());
        linear::check(&mine, &mut findings);
        age::check(&mine, &acknowledged, oldest, &mut findings);
        versions::check(&mine, &mut findings);
        for (n, operation, version) in mine.read() {
            findings.behind[n].strong = acknowledged.before(operation.begin).is_some_and(|(least, _)| version < least);
        }
    }
    sessions::check(history, &mut findings);
    findings.violations.sort_by_key(|violation| (violation.operation, violation.rule));
    findings
}

/// A product's operations, each with its place in the history.
struct Mine<'a> {
    product: &'a super::history::Product,
    operations: Vec<(usize, &'a Operation)>,
}

fn by_product(history: &History) -> Vec<Mine<'_>> {
    let mine = |product| Mine { product, operations: Vec::new() };
    let mut all: Vec<Mine<'_>> = history.products.iter().map(mine).collect();
    for (n, operation) in history.operations.iter().enumerate() {
        all[operation.product as usize].operations.push((n, operation));
    }
    all
}

impl<'a> Mine<'a> {
    /// Acknowledged writes, with their versions.
    fn written(&self) -> impl Iterator<Item = (usize, &'a Operation, u64)> {
        self.operations.iter().filter_map(|&(n, operation)| Some((n, operation, operation.written()?.1.version)))
    }

    /// Reads that were answered, with the versions they were shown.
    fn read(&self) -> impl Iterator<Item = (usize, &'a Operation, u64)> {
        self.operations.iter().filter_map(|&(n, operation)| Some((n, operation, operation.shown()?.1.version)))
    }
}

impl Findings {
    fn violated(&mut self, rule: Rule, operation: usize, against: Option<usize>) {
        self.violations.push(Violation { rule, operation, against });
    }
}

impl Oldest {
    fn of(&self, by: Copy) -> Option<Duration> {
        match by {
            Copy::Cache => Some(self.cache),
            Copy::Replica => Some(self.replica),
            Copy::Primary => None,
        }
    }
}

impl Behind {
    /// Whether it lacked what a level promises.
    pub(super) fn of(self, level: Level) -> bool {
        match level {
            Level::Strong => self.strong,
            Level::Session => self.session,
            Level::Monotonic => self.monotonic,
            Level::Eventual => false,
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Linearizable => "not linearizable",
            Self::ReadYourWrites => "its session's own write is not shown",
            Self::MonotonicReads => "older than its session was shown",
            Self::NotTooOld => "older than a copy may be",
            Self::HonestAge => "older than it says",
            Self::NothingFromTheFuture => "shows what was not yet written",
            Self::OneValueAVersion => "the value is not the version's",
        })
    }
}

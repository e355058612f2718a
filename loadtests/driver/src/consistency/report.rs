//! What a trial came to: what was violated, and what each level showed and cost.

use std::{collections::BTreeMap, time::Duration};

use contracts::consistency::{Copy, Level};
use serde::Serialize;

use super::{
    history::{Act, Fault, History, Operation, Outcome, Shown},
    rules::{self, Behind, Findings, Oldest, Rule, Violation},
};
use crate::latency::{Latencies, Quantiles};

/// How many violations are told in full.
const TOLD: usize = 10;

/// What a trial came to. Written out it is for people; as JSON for programs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Operations in all.
    pub operations: u64,
    /// From the first's begin to the last's end, in seconds.
    pub seconds: f64,
    /// Of how many sessions.
    pub sessions: u64,
    /// How old a copy was allowed to be.
    pub oldest: Oldest,
    /// How many rules were not kept, over all operations.
    pub violations: u64,
    /// The same by rule.
    pub by_rule: BTreeMap<Rule, u64>,
    /// The first of them.
    pub first: Vec<Told>,
    /// Writes.
    pub writes: WriteReport,
    /// Reads of each level, the strictest first.
    pub levels: Vec<LevelReport>,
    /// Operations without an answer, by why.
    pub unanswered: BTreeMap<String, u64>,
}

/// A violation, with what does not fit together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Told {
    /// What was not kept.
    pub rule: Rule,
    /// Of which product.
    pub sku: String,
    /// The operation that does not fit.
    pub operation: Operation,
    /// What it does not fit to, where that is an operation.
    pub against: Option<Operation>,
}

/// Writes.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct WriteReport {
    /// Acknowledged.
    pub acknowledged: u64,
    /// Certainly not made.
    pub refused: u64,
    /// Perhaps made.
    pub unknown: u64,
    /// From the first attempt to the acknowledgement, in milliseconds.
    pub latency_ms: Quantiles,
}

/// Reads of a level.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LevelReport {
    /// Which.
    pub level: Level,
    /// Reads that were answered.
    pub reads: u64,
    /// Reads that were not.
    pub unanswered: u64,
    /// Rules that answers did not keep.
    pub violations: u64,
    /// Answers that lacked a write which was acknowledged before: less than `strong` promises.
    pub behind_strong: u64,
    /// Answers that lacked a write of their session: less than `session` promises.
    pub behind_session: u64,
    /// Answers that lacked that, or what their session was shown: less than `monotonic` promises.
    pub behind_monotonic: u64,
    /// Answers by the cache.
    pub by_cache: u64,
    /// Answers by a replica.
    pub by_replica: u64,
    /// Answers by the primary.
    pub by_primary: u64,
    /// How old they said they were, in milliseconds.
    pub age_ms: Quantiles,
    /// From begin to end, in milliseconds.
    pub latency_ms: Quantiles,
}

impl Report {
    /// Checks a history.
    pub fn of(history: &History, oldest: Oldest) -> Self {
        let Findings { violations, behind } = rules::check(history, &oldest);
        let mut by_rule = BTreeMap::new();
        violations.iter().for_each(|violation| *by_rule.entry(violation.rule).or_default() += 1);
        let times = || history.operations.iter().map(|operation| (operation.begin, operation.end));
        let first = times().map(|(begin, _)| begin).min().unwrap_or_default();
        let last = times().map(|(_, end)| end).max().unwrap_or_default();
        let mut sessions: Vec<u32> = history.operations.iter().map(|operation| operation.session).collect();
        sessions.sort_unstable();
        sessions.dedup();
        Self {
            operations: history.operations.len() as u64,
            seconds: (last - first).as_secs_f64(),
            sessions: sessions.len() as u64,
            oldest,
            violations: violations.len() as u64,
            by_rule,
            first: violations.iter().take(TOLD).map(|violation| Told::of(history, violation)).collect(),
            writes: WriteReport::of(history),
            levels: Level::ALL.map(|level| LevelReport::of(level, history, &behind, &violations)).into(),
            unanswered: unanswered(history),
        }
    }

    /// Whether nothing was violated, and every level was tried.
    pub fn passed(&self) -> bool {
        self.violations == 0 && self.untried().is_empty()
    }

    /// Levels at which no read was answered.
    pub fn untried(&self) -> Vec<Level> {
        self.levels.iter().filter(|report| report.reads == 0).map(|report| report.level).collect()
    }

    /// Levels that never showed less than `strong` does: of what else they may show the run proves nothing.
    pub fn never_weaker(&self) -> Vec<Level> {
        let weaker = self.levels.iter().filter(|report| report.level != Level::Strong && report.behind_strong == 0);
        weaker.map(|report| report.level).collect()
    }
}

impl Told {
    fn of(history: &History, violation: &Violation) -> Self {
        let operation = history.operations[violation.operation].clone();
        let sku = history.products[operation.product as usize].sku.clone();
        let against = violation.against.map(|n| history.operations[n].clone());
        Self { rule: violation.rule, sku, operation, against }
    }
}

impl WriteReport {
    fn of(history: &History) -> Self {
        let (mut report, mut latencies) = (Self::default(), Latencies::new());
        for operation in &history.operations {
            let Act::Write { outcome, .. } = &operation.act else { continue };
            *match outcome {
                Outcome::Acknowledged(_) => {
                    latencies.record(operation.end - operation.begin);
                    &mut report.acknowledged
                }
                Outcome::Refused(_) => &mut report.refused,
                Outcome::Unknown(_) => &mut report.unknown,
            } += 1;
        }
        report.latency_ms = latencies.quantiles();
        report
    }
}

impl LevelReport {
    fn of(level: Level, history: &History, behind: &[Behind], violations: &[Violation]) -> Self {
        let mine = |operation: &Operation| matches!(operation.act, Act::Read { level: of, .. } if of == level);
        let reads: Vec<(&Operation, &Shown, &Behind)> = history
            .operations
            .iter()
            .zip(behind)
            .filter(|(operation, _)| mine(operation))
            .filter_map(|(operation, behind)| Some((operation, operation.shown()?.1, behind)))
            .collect();
        let all = history.operations.iter().filter(|operation| mine(operation)).count();
        let by = |copy: Copy| reads.iter().filter(|(_, shown, _)| shown.by == copy).count() as u64;
        let lacked = |stronger: Level| reads.iter().filter(|(.., behind)| behind.of(stronger)).count() as u64;
        let wrong = violations.iter().filter(|violation| mine(&history.operations[violation.operation]));
        Self {
            level,
            reads: reads.len() as u64,
            unanswered: (all - reads.len()) as u64,
            violations: wrong.count() as u64,
            behind_strong: lacked(Level::Strong),
            behind_session: lacked(Level::Session),
            behind_monotonic: lacked(Level::Monotonic),
            by_cache: by(Copy::Cache),
            by_replica: by(Copy::Replica),
            by_primary: by(Copy::Primary),
            age_ms: quantiles(reads.iter().map(|(_, shown, _)| shown.age)),
            latency_ms: quantiles(reads.iter().map(|(operation, ..)| operation.end - operation.begin)),
        }
    }
}

fn quantiles(times: impl Iterator<Item = Duration>) -> Quantiles {
    let mut latencies = Latencies::new();
    times.for_each(|time| latencies.record(time));
    latencies.quantiles()
}

fn unanswered(history: &History) -> BTreeMap<String, u64> {
    let fault = |operation: &Operation| -> Option<Fault> {
        match &operation.act {
            Act::Write { outcome: Outcome::Refused(fault) | Outcome::Unknown(fault), .. }
            | Act::Read { outcome: Outcome::Refused(fault) | Outcome::Unknown(fault), .. } => Some(fault.clone()),
            _ => None,
        }
    };
    let mut counts = BTreeMap::new();
    history.operations.iter().filter_map(fault).for_each(|fault| *counts.entry(fault.to_string()).or_default() += 1);
    counts
}

//! What the audit says of a sale.

use std::{collections::BTreeMap, path::Path, time::Duration};

use ::audit::{Outcome, Report, Source};
use serde::Serialize;

use crate::{CommandError, commands::audit};

/// How long an audit waits that can't end with nothing found: for what is on its way beside it.
const HOPELESS: Duration = Duration::from_secs(20);
/// How long the audit before a sale waits for what others have left on its way.
const BEFORE: Duration = Duration::from_secs(5);

/// How often something was found, by check.
type Counts = BTreeMap<&'static str, u64>;

/// Audits of one shop, each compared with the one before.
pub(super) struct Auditing<'a> {
    data_dir: &'a Path,
    elsewhere: Option<Source>,
    patience: Duration,
    known: Counts,
}

/// What an audit found.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Verdict {
    /// How much is wrong that was not before the sale.
    pub(super) violations: u64,
    /// How much was wrong before it.
    pub(super) before: u64,
    /// The checks that have found something new, with the first that is wrong by each.
    pub(super) checks: Vec<Outcome>,
}

impl<'a> Auditing<'a> {
    /// Looks at what is wrong already.
    pub(super) async fn begin(
        data_dir: &'a Path,
        elsewhere: Option<Source>,
        patience: Duration,
    ) -> Result<Self, CommandError> {
        let mut auditing = Self { data_dir, elsewhere, patience, known: Counts::new() };
        auditing.known = counts(&auditing.audit(patience.min(BEFORE)).await?);
        Ok(auditing)
    }

    /// Audits after a sale. If it is known to have gone wrong, it isn't waited until nothing is.
    pub(super) async fn after(&mut self, wrong: bool) -> Result<Verdict, CommandError> {
        let before: u64 = self.known.values().sum();
        let patience = if wrong || before > 0 { self.patience.min(HOPELESS) } else { self.patience };
        let report = self.audit(patience).await?;
        let found = counts(&report);
        let new = |outcome: &Outcome| {
            let known = self.known.get(outcome.name.name()).copied().unwrap_or(0);
            outcome.violations.saturating_sub(known)
        };
        let verdict = Verdict {
            violations: report.checks.iter().map(new).sum(),
            before,
            checks: report.checks.iter().filter(|outcome| new(outcome) > 0).cloned().collect(),
        };
        self.known = found;
        Ok(verdict)
    }

    async fn audit(&self, patience: Duration) -> Result<Report, CommandError> {
        audit::of(self.data_dir, self.elsewhere.clone(), patience).await
    }
}

fn counts(report: &Report) -> Counts {
    report.checks.iter().map(|outcome| (outcome.name.name(), outcome.violations)).collect()
}

use std::fmt;

use super::{clock::SECOND, plan::Plan};

/// What has to hold in every run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// The answers about each key could have come from one copy of it.
    Linearizable,
    /// Nobody believes to hold a lock that another believes to hold.
    OneHolder,
    /// A watch tells of every change once, in order.
    WatchesComplete,
    /// A term has one leader at most.
    OneLeader,
    /// Members that have applied the same entries hold the same.
    ReplicasEqual,
    /// What was acknowledged stays.
    AcknowledgedStays,
    /// Each command is applied once at most.
    AppliedOnce,
    /// What a compaction or the end of a lease takes away is gone.
    GoneIsGone,
    /// Once all disturbances have ended, every call is answered.
    Progress,
    /// A member reads back what it wrote.
    LogReadable,
    /// No code meets a state that it takes for impossible.
    NoPanic,
}

/// A rule that a run broke.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Violation {
    /// The run.
    pub plan: Plan,
    /// Which rule.
    pub rule: Rule,
    /// How, for people.
    pub detail: String,
    /// When, in nanoseconds since the run began.
    pub at: u64,
    /// Stands for everything that happened until then.
    pub trace: u64,
}

/// As it is found out, somewhere in the run.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) rule: Rule,
    pub(super) detail: String,
}

impl Broken {
    pub(super) fn new(rule: Rule, detail: impl Into<String>) -> Self {
        Self { rule, detail: detail.into() }
    }
}

impl Rule {
    /// What it is called in a table.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Linearizable => "linearizability",
            Self::OneHolder => "one holder",
            Self::WatchesComplete => "watches complete",
            Self::OneLeader => "one leader",
            Self::ReplicasEqual => "replicas equal",
            Self::AcknowledgedStays => "acknowledged stays",
            Self::AppliedOnce => "applied once",
            Self::GoneIsGone => "gone is gone",
            Self::Progress => "progress",
            Self::LogReadable => "log readable",
            Self::NoPanic => "no panic",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { plan, rule, detail, at, .. } = self;
        writeln!(
            f,
            "seed {} breaks the rule \"{rule}\" after {:.3} s: {detail}",
            plan.seed,
            *at as f64 / SECOND as f64
        )?;
        writeln!(f, "again: {}", plan.replay())?;
        if !plan.is_whole() {
            writeln!(f, "a smaller plan that breaks it as well:")?;
        }
        write!(f, "{plan}")
    }
}

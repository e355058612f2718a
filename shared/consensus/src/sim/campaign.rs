//! Many seeds on all processors.

use std::{
    ops::Range,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use super::{Plan, Profile, Report, Violation, run};
use crate::faults::{self, Fault};

/// What to run.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// The seeds.
    pub seeds: Range<u64>,
    /// One profile for all; without one each seed has its own.
    pub profile: Option<Profile>,
    /// How many at a time.
    pub threads: usize,
    /// Whether to begin no more seeds once one has broken a rule.
    pub stop_at_first: bool,
    /// A fault to put into every run. Does nothing unless the crate is built with its feature `faults`.
    pub fault: Option<Fault>,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// How many seeds ran to their end, or to the first rule they broke.
    pub runs: u64,
    /// Counts of all that broke none.
    pub total: Report,
    /// Those that did, by seed.
    pub violations: Vec<Violation>,
}

impl Campaign {
    /// Seeds, each with its own profile, on as many threads as there are processors.
    #[must_use]
    pub fn new(seeds: Range<u64>) -> Self {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        Self { seeds, profile: None, threads, stop_at_first: false, fault: None }
    }
}

/// Runs all seeds. `on_progress` hears how many have ended, after each; it is called by one thread at a time.
pub fn campaign(what: &Campaign, on_progress: impl Fn(u64) + Sync) -> Summary {
    let next = AtomicU64::new(what.seeds.start);
    let summary = Mutex::new(Summary::default());
    let work = || {
        set_fault(what.fault);
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= what.seeds.end {
                return;
            }
            let outcome = run(&what.profile.map_or_else(|| Plan::new(seed), |profile| Plan::of(profile, seed)));
            let mut summary = summary.lock().unwrap_or_else(PoisonError::into_inner);
            summary.runs += 1;
            match outcome {
                Ok(report) => summary.total += report,
                Err(violation) => {
                    summary.violations.push(*violation);
                    if what.stop_at_first {
                        next.store(what.seeds.end, Ordering::Relaxed);
                    }
                }
            }
            on_progress(summary.runs);
        }
    };
    thread::scope(|scope| {
        for _ in 0..what.threads.max(1) {
            scope.spawn(work);
        }
    });
    let mut summary = summary.into_inner().unwrap_or_else(PoisonError::into_inner);
    summary.violations.sort_by_key(|violation| violation.plan.seed);
    summary
}

#[cfg(feature = "faults")]
fn set_fault(fault: Option<Fault>) {
    faults::set(fault);
}

#[cfg(not(feature = "faults"))]
fn set_fault(fault: Option<Fault>) {
    if let Some(fault) = fault.filter(|fault| !faults::active(*fault)) {
        tracing::warn!(%fault, "this build has no faults to put in");
    }
}

//! Faults put in on purpose, one at a time, to show that the simulator finds them.
//!
//! Without the feature `faults` nothing can be switched on, and every question compiles to `false`.

use std::fmt;
use std::str::FromStr;

/// A mistake that an implementation of this kind could make.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// A vote is answered before it is on the disk.
    VoteNotPersisted,
    /// An entry of an earlier term counts as committed once a majority has it.
    EarlierTermCommitted,
    /// A leader answers reads without asking a majority whether it still leads.
    ReadWithoutQuorum,
    /// The log says that it is on the disk, and isn't.
    SyncSkipped,
    /// A write is acknowledged before a majority has it on the disk.
    AcknowledgedBeforeSync,
    /// Revoking a lease answers, and leaves the lease and its keys where they are.
    LeaseKeptPastRevoke,
    /// A watch that catches up leaves out an event.
    WatchGap,
    /// A snapshot lacks its last record.
    SnapshotOffByOne,
    /// A compaction answers, and history stays readable.
    UnappliedCompaction,
    /// A batch that was proposed again is applied again.
    DuplicateProposal,
}

impl Fault {
    /// Every fault, in the order of their declaration.
    pub const ALL: [Self; 10] = [
        Self::VoteNotPersisted,
        Self::EarlierTermCommitted,
        Self::ReadWithoutQuorum,
        Self::SyncSkipped,
        Self::AcknowledgedBeforeSync,
        Self::LeaseKeptPastRevoke,
        Self::WatchGap,
        Self::SnapshotOffByOne,
        Self::UnappliedCompaction,
        Self::DuplicateProposal,
    ];

    /// The name on a command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::VoteNotPersisted => "vote-not-persisted",
            Self::EarlierTermCommitted => "earlier-term-committed",
            Self::ReadWithoutQuorum => "read-without-quorum",
            Self::SyncSkipped => "sync-skipped",
            Self::AcknowledgedBeforeSync => "acknowledged-before-sync",
            Self::LeaseKeptPastRevoke => "lease-kept-past-revoke",
            Self::WatchGap => "watch-gap",
            Self::SnapshotOffByOne => "snapshot-off-by-one",
            Self::UnappliedCompaction => "unapplied-compaction",
            Self::DuplicateProposal => "duplicate-proposal",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// No fault has this name.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("no fault is called {0:?}")]
pub struct UnknownFault(String);

impl FromStr for Fault {
    type Err = UnknownFault;

    fn from_str(name: &str) -> Result<Self, UnknownFault> {
        Self::ALL.into_iter().find(|fault| fault.name() == name).ok_or_else(|| UnknownFault(name.to_owned()))
    }
}

#[cfg(feature = "faults")]
mod switch {
    use super::Fault;
    use std::cell::Cell;

    thread_local! {
        static CURRENT: Cell<Option<Fault>> = const { Cell::new(None) };
    }

    /// Puts a fault into everything this thread runs from now on; `None` takes it out.
    pub fn set(fault: Option<Fault>) {
        CURRENT.set(fault);
    }

    /// Whether this thread runs with the fault.
    pub fn active(fault: Fault) -> bool {
        CURRENT.get() == Some(fault)
    }
}

#[cfg(feature = "faults")]
pub use switch::{active, set};

/// Whether this thread runs with the fault: never, in this build.
#[cfg(not(feature = "faults"))]
#[inline(always)]
pub const fn active(_fault: Fault) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_found_by_its_name() {
        for fault in Fault::ALL {
            assert_eq!(fault.to_string().parse::<Fault>().unwrap(), fault);
        }
        assert_eq!("typo".parse::<Fault>(), Err(UnknownFault("typo".to_owned())));
    }

    #[test]
    #[cfg(feature = "faults")]
    fn one_fault_is_active_at_a_time() {
        set(Some(Fault::WatchGap));
        assert!(active(Fault::WatchGap) && !active(Fault::SyncSkipped));
        set(None);
        assert!(!active(Fault::WatchGap));
    }
}

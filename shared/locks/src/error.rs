//! What can go wrong.

use std::{sync::Arc, time::Duration};

use coordination::CallError;

use crate::{EpochError, ServerError, Strategy};

/// A lock that was not taken. Nothing is held, and nothing waits any more; what may have been taken is given back in the
/// background.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// The deadline came first.
    #[error("{keys}: no lock within {waited:?}{}", .last.as_ref().map(|last| format!("; the last fault: {last}")).unwrap_or_default())]
    TimedOut {
        /// What was wanted.
        keys: String,
        /// How long was waited.
        waited: Duration,
        /// What it could not be tried for at the end, by this or by another before it in this process; `None` where it was
        /// another's turn. What takes no answer shows after [`Config::patience`](crate::Config), so an earlier deadline may
        /// come without a fault.
        last: Option<Arc<Fault>>,
    },
    /// Another has it, or waits for it; only where nobody waits.
    #[error("{keys}: another has the lock")]
    Busy {
        /// What was wanted.
        keys: String,
        /// One of the keys that another has or waits for, where that is known: Redlock and the coordinators don't say.
        at: Option<String>,
    },
    /// It could not be tried; only where nobody waits, or where waiting does not help.
    #[error("{keys}: {fault}")]
    Fault {
        /// What was wanted.
        keys: String,
        /// Why.
        fault: Box<Fault>,
    },
}

/// Why an attempt came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// Redis.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// Too many of Redlock's servers failed.
    #[error("{failed} of {servers} Redis servers failed, the last with: {last}")]
    NoMajority {
        /// How many failed.
        failed: usize,
        /// How many there are.
        servers: usize,
        /// Of one of them.
        last: ServerError,
    },
    /// The server has lost its epoch, and has no other yet.
    #[error(transparent)]
    Epoch(#[from] EpochError),
    /// The server has lost its epoch, and the coordinators have not given it another yet.
    #[error("the Redis server has no epoch yet")]
    NoEpoch,
    /// The coordinators.
    #[error(transparent)]
    Cluster(#[from] CallError),
    /// None of the coordinators answers.
    #[error("no coordinator answers")]
    Unreachable,
    /// What the strategy needs was not configured.
    #[error("{strategy} needs {what}, which is not configured")]
    Missing {
        /// Which strategy.
        strategy: Strategy,
        /// What it needs.
        what: &'static str,
    },
    /// The process goes over to another strategy, or is no member and may not know which is in force.
    #[error("which strategy is in force is being agreed on")]
    Switching,
}

impl Fault {
    /// Whether trying again would only repeat it.
    pub(crate) fn is_final(&self) -> bool {
        matches!(self, Self::Missing { .. })
    }

    /// Whether servers or coordinators are gone, or what is in force can't be known.
    pub(crate) fn is_outage(&self) -> bool {
        !self.is_final()
    }

    /// Its class, for spans.
    pub(crate) fn class(&self) -> &'static str {
        match self {
            Self::Server(_) => "redis",
            Self::NoMajority { .. } => "no_majority",
            Self::Epoch(_) | Self::NoEpoch => "no_epoch",
            Self::Cluster(_) | Self::Unreachable => "coordination",
            Self::Missing { .. } => "configuration",
            Self::Switching => "switching",
        }
    }
}

impl LockError {
    /// Whether what locks are taken with is gone: Redis or the coordinators fail, or no strategy is in force. Then waiting
    /// longer helps only when they are back, and another way to be safe may be better. False where others have the lock or
    /// are before it in line, however long, and where the configuration is wrong.
    pub fn is_outage(&self) -> bool {
        match self {
            Self::TimedOut { last, .. } => last.as_deref().is_some_and(Fault::is_outage),
            Self::Busy { .. } => false,
            Self::Fault { fault, .. } => fault.is_outage(),
        }
    }

    /// Its class, for spans and metrics.
    pub(crate) fn class(&self) -> &'static str {
        match self {
            Self::TimedOut { .. } => "timed_out",
            Self::Busy { .. } => "busy",
            Self::Fault { fault, .. } => fault.class(),
        }
    }
}

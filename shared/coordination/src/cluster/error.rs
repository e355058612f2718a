//! What can go wrong between here and the coordinators.

use std::time::Duration;

/// A request that came to nothing.
///
/// After [`Unavailable`](Self::Unavailable) the cluster may have done what was asked, or may still do it.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// Every attempt failed for a reason that passes by itself, on all endpoints, for as long as an operation may take.
    #[error("no coordinator answered within {patience:?}: {source}")]
    Unavailable {
        /// How long it was tried.
        patience: Duration,
        /// Why the last attempt failed.
        source: Fault,
    },
    /// The cluster refuses, and would again.
    #[error("the coordinators refuse: {0}")]
    Refused(#[source] etcd_client::Error),
}

/// Why one attempt failed.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The coordinator took too long.
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    /// The connection, or the coordinator.
    #[error(transparent)]
    Client(#[from] etcd_client::Error),
}

/// Numbers of gRPC's status codes, of those that tell of the request and not of the moment.
mod code {
    pub(super) const INVALID_ARGUMENT: i32 = 3;
    pub(super) const NOT_FOUND: i32 = 5;
    pub(super) const ALREADY_EXISTS: i32 = 6;
    pub(super) const PERMISSION_DENIED: i32 = 7;
    pub(super) const RESOURCE_EXHAUSTED: i32 = 8;
    pub(super) const FAILED_PRECONDITION: i32 = 9;
    pub(super) const OUT_OF_RANGE: i32 = 11;
    pub(super) const UNIMPLEMENTED: i32 = 12;
    pub(super) const UNAUTHENTICATED: i32 = 16;
}

impl Fault {
    /// Whether the same request can succeed later, or elsewhere.
    pub(crate) fn passes_by_itself(error: &etcd_client::Error) -> bool {
        let status = match error {
            etcd_client::Error::GRpcStatus(status) => status,
            etcd_client::Error::InvalidArgs(_) | etcd_client::Error::InvalidUri(_) => return false,
            _ => return true,
        };
        match status.code() as i32 {
            // "too many requests" passes; a full database stays full until somebody helps.
            code::RESOURCE_EXHAUSTED => !status.message().contains("space exceeded"),
            code::INVALID_ARGUMENT
            | code::NOT_FOUND
            | code::ALREADY_EXISTS
            | code::PERMISSION_DENIED
            | code::FAILED_PRECONDITION
            | code::OUT_OF_RANGE
            | code::UNIMPLEMENTED
            | code::UNAUTHENTICATED => false,
            _ => true,
        }
    }
}

impl CallError {
    /// Whether it is about a lease that the cluster does not have (any more).
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused(error) if has_code(error, code::NOT_FOUND))
    }

    /// Whether the revision asked for is compacted.
    pub(crate) fn is_compacted(&self) -> bool {
        matches!(self, Self::Refused(error) if has_code(error, code::OUT_OF_RANGE))
    }
}

fn has_code(error: &etcd_client::Error, code: i32) -> bool {
    matches!(error, etcd_client::Error::GRpcStatus(status) if status.code() as i32 == code)
}

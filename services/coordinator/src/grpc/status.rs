//! The engine's and the store's errors as gRPC statuses. Clients of etcd match code and text.

use consensus::{node::Refusal, store};
use tonic::{Code, Status};

use crate::engine::{MembershipError, MoveLeaderError, ProposeError, ReadError};

pub(super) fn key_not_provided() -> Status {
    Status::invalid_argument("etcdserver: key is not provided")
}

pub(super) fn key_not_found() -> Status {
    Status::invalid_argument("etcdserver: key not found")
}

pub(super) fn value_provided() -> Status {
    Status::invalid_argument("etcdserver: value is provided")
}

pub(super) fn lease_provided() -> Status {
    Status::invalid_argument("etcdserver: lease is provided")
}

pub(super) fn too_many_operations() -> Status {
    Status::invalid_argument("etcdserver: too many operations in txn request")
}

pub(super) fn duplicate_key() -> Status {
    Status::invalid_argument("etcdserver: duplicate key given in txn request")
}

pub(super) fn invalid_sort_option() -> Status {
    Status::invalid_argument("etcdserver: invalid sort option")
}

pub(super) fn invalid_client_version() -> Status {
    Status::invalid_argument("etcdserver: invalid client api version")
}

pub(super) fn bad_member_urls() -> Status {
    Status::invalid_argument("etcdserver: given member URLs are invalid")
}

pub(super) fn no_leader() -> Status {
    Status::unavailable("etcdserver: no leader")
}

pub(super) fn stopped() -> Status {
    Status::unavailable("etcdserver: server stopped")
}

pub(super) fn not_for_learners() -> Status {
    Status::failed_precondition("etcdserver: rpc not supported for learner")
}

pub(super) fn auth_not_enabled() -> Status {
    Status::failed_precondition("etcdserver: authentication is not enabled")
}

/// A refusal of the state machine.
pub(super) fn of_store(error: store::Error) -> Status {
    use store::Error as E;
    let code = match error {
        E::Compacted | E::FutureRevision | E::LeaseTtlTooLarge => Code::OutOfRange,
        E::KeyNotFound => Code::InvalidArgument,
        E::LeaseNotFound => Code::NotFound,
        E::LeaseExists => Code::FailedPrecondition,
        E::NoSpace => Code::ResourceExhausted,
        E::Corrupt => Code::DataLoss,
        E::UnknownCommand | E::NotReadOnly => Code::Internal,
    };
    Status::new(code, error.to_string())
}

impl From<ProposeError> for Status {
    fn from(error: ProposeError) -> Self {
        use ProposeError as E;
        let code = match error {
            E::Store(refusal) => return of_store(refusal),
            E::Timeout | E::TimeoutLeaderLost | E::TimeoutConnectionLost | E::Stopped => Code::Unavailable,
            E::TooManyRequests | E::NoSpace => Code::ResourceExhausted,
            E::TooLarge => Code::InvalidArgument,
        };
        Self::new(code, error.to_string())
    }
}

impl From<ReadError> for Status {
    fn from(error: ReadError) -> Self {
        use ReadError as E;
        let code = match error {
            E::Timeout | E::NoLeader | E::Stopped => Code::Unavailable,
            E::NotLeader => Code::FailedPrecondition,
            E::TooManyRequests => Code::ResourceExhausted,
        };
        Self::new(code, error.to_string())
    }
}

impl From<MembershipError> for Status {
    fn from(error: MembershipError) -> Self {
        use MembershipError as E;
        match error {
            E::Refused(refusal) => of_refusal(refusal),
            E::NotEnoughStarted | E::LearnerNotReady => Self::failed_precondition(error.to_string()),
            E::Unhealthy | E::Timeout | E::Stopped => Self::unavailable(error.to_string()),
            E::TooManyRequests => Self::resource_exhausted(error.to_string()),
        }
    }
}

fn of_refusal(refusal: Refusal) -> Status {
    match refusal {
        // etcd tells both alike.
        Refusal::NotFound | Refusal::Removed => Status::not_found("etcdserver: member not found"),
        Refusal::IdExists => Status::failed_precondition("etcdserver: member ID already exist"),
        Refusal::PeerUrlExists => Status::failed_precondition("etcdserver: Peer URLs already exists"),
        Refusal::NotLearner => Status::failed_precondition("etcdserver: can only promote a learner member"),
        Refusal::TooManyLearners => Status::failed_precondition("etcdserver: too many learner members in cluster"),
        // etcd holds a change back until the one before it is applied, or the request times out.
        Refusal::InProgress => Status::unavailable("etcdserver: request timed out"),
    }
}

impl From<MoveLeaderError> for Status {
    fn from(error: MoveLeaderError) -> Self {
        let code = match error {
            MoveLeaderError::NotLeader | MoveLeaderError::BadTransferee => Code::FailedPrecondition,
            MoveLeaderError::Timeout => Code::Unknown,
            MoveLeaderError::Stopped => Code::Unavailable,
        };
        Self::new(code, error.to_string())
    }
}

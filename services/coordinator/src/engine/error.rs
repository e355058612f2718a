//! Why the engine did not do what it was asked. The texts are etcd's: its clients compare them.

use consensus::{node::Refusal, store};

/// Why a command was not applied, or is not known to be.
#[derive(Debug, thiserror::Error)]
pub enum ProposeError {
    /// The state machine refused it; nothing changed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// No answer within the request timeout. It may be applied yet.
    #[error("etcdserver: request timed out")]
    Timeout,
    /// No answer within the request timeout, during which a leader was lost. It may be applied yet.
    #[error("etcdserver: request timed out, possibly due to previous leader failure")]
    TimeoutLeaderLost,
    /// No answer within the request timeout, during which the leader or its quorum could not be reached.
    #[error("etcdserver: request timed out, possibly due to connection lost")]
    TimeoutConnectionLost,
    /// Too much waits to be applied; nothing changed.
    #[error("etcdserver: too many requests")]
    TooManyRequests,
    /// This member stops. Whether it was applied is not known.
    #[error("etcdserver: server stopped")]
    Stopped,
    /// It would not fit into the store's quota, and an alarm is raised; or this member's disk is full. Nothing else changed.
    #[error("etcdserver: mvcc: database space exceeded")]
    NoSpace,
    /// Larger than a request may be; nothing changed.
    #[error("etcdserver: request is too large")]
    TooLarge,
}

/// Why a read can't be served now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// No quorum confirmed it within the request timeout.
    #[error("etcdserver: request timed out")]
    Timeout,
    /// There is no leader.
    #[error("etcdserver: no leader")]
    NoLeader,
    /// Only the leader could answer, and this member isn't.
    #[error("etcdserver: not leader")]
    NotLeader,
    /// Too much waits already.
    #[error("etcdserver: too many requests")]
    TooManyRequests,
    /// This member stops.
    #[error("etcdserver: server stopped")]
    Stopped,
}

/// Why the members were not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MembershipError {
    /// It does not fit the members there are.
    #[error("etcdserver: {0}")]
    Refused(#[from] Refusal),
    /// With it, the members that have started would be no quorum.
    #[error("etcdserver: re-configuration failed due to not enough started members")]
    NotEnoughStarted,
    /// Too few members have been connected for long enough.
    #[error("etcdserver: unhealthy cluster")]
    Unhealthy,
    /// The learner has too much of the log to catch up with.
    #[error("etcdserver: can only promote a learner member which is in sync with leader")]
    LearnerNotReady,
    /// No answer within the request timeout. It may be applied yet.
    #[error("etcdserver: request timed out")]
    Timeout,
    /// Too much waits to be applied; nothing changed.
    #[error("etcdserver: too many requests")]
    TooManyRequests,
    /// This member stops. Whether it was applied is not known.
    #[error("etcdserver: server stopped")]
    Stopped,
}

/// Why the leadership was not handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoveLeaderError {
    /// This member isn't the leader.
    #[error("etcdserver: not leader")]
    NotLeader,
    /// The target isn't a voting member.
    #[error("etcdserver: bad leader transferee")]
    BadTransferee,
    /// It did not become leader within the request timeout.
    #[error("etcdserver: request timed out, leader transfer took too long")]
    Timeout,
    /// This member stops.
    #[error("etcdserver: server stopped")]
    Stopped,
}

/// Why the engine can't start, or can't go on.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The log can't be written. What was acknowledged is on the disk.
    #[error("the log cannot be written: {0}")]
    Disk(#[source] consensus::log::Error),
    /// Raft refuses what was recovered.
    #[error("raft refuses to start with what the log holds: {0}")]
    Raft(#[from] consensus::eraft::Error),
    /// The system gives no thread for the log.
    #[error("cannot start the log's thread: {0}")]
    Thread(#[source] std::io::Error),
}

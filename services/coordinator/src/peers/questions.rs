//! Small questions between members, and their answers.

use consensus::{api::etcdserverpb::Member, node::Refusal};

use crate::engine::{MembershipError, ReadError};

/// A question, with the number its answer comes under.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Request {
    #[prost(uint64, tag = "1")]
    pub(crate) number: u64,
    #[prost(oneof = "Asked", tags = "2, 3, 4, 5")]
    pub(crate) asked: Option<Asked>,
}

/// What is asked.
#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum Asked {
    /// To keep this lease alive.
    #[prost(int64, tag = "2")]
    KeepAlive(i64),
    /// How many seconds this lease has left.
    #[prost(int64, tag = "3")]
    TimeToLive(i64),
    /// To promote this learner.
    #[prost(uint64, tag = "4")]
    Promote(u64),
    /// Who the members are.
    #[prost(bool, tag = "5")]
    Members(bool),
}

/// An answer.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Response {
    #[prost(uint64, tag = "1")]
    pub(crate) number: u64,
    #[prost(oneof = "Told", tags = "2, 3, 4")]
    pub(crate) told: Option<Told>,
}

/// What is answered.
#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum Told {
    #[prost(message, tag = "2")]
    Lease(LeaseTold),
    #[prost(message, tag = "3")]
    Members(MembersTold),
    #[prost(enumeration = "Refused", tag = "4")]
    Refused(i32),
}

/// Of a lease.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct LeaseTold {
    /// Whether there is such a lease.
    #[prost(bool, tag = "1")]
    pub(crate) found: bool,
    #[prost(int64, tag = "2")]
    pub(crate) seconds: i64,
}

/// Of the members.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct MembersTold {
    #[prost(uint64, tag = "1")]
    pub(crate) cluster_id: u64,
    #[prost(message, repeated, tag = "2")]
    pub(crate) members: Vec<Member>,
}

/// Why there is no other answer. The numbers stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum Refused {
    /// The asker may find an answer elsewhere, or later.
    NotNow = 0,
    Timeout = 1,
    NotEnoughStarted = 2,
    Unhealthy = 3,
    LearnerNotReady = 4,
    NotFound = 5,
    NotLearner = 6,
    ChangeInProgress = 7,
    TooManyRequests = 8,
}

impl From<ReadError> for Refused {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Timeout => Self::Timeout,
            ReadError::TooManyRequests => Self::TooManyRequests,
            ReadError::NoLeader | ReadError::NotLeader | ReadError::Stopped => Self::NotNow,
        }
    }
}

impl From<MembershipError> for Refused {
    fn from(error: MembershipError) -> Self {
        match error {
            MembershipError::NotEnoughStarted => Self::NotEnoughStarted,
            MembershipError::Unhealthy => Self::Unhealthy,
            MembershipError::LearnerNotReady => Self::LearnerNotReady,
            MembershipError::Refused(Refusal::NotLearner) => Self::NotLearner,
            MembershipError::Refused(Refusal::InProgress) => Self::ChangeInProgress,
            // The others can't be of a promotion.
            MembershipError::Refused(_) => Self::NotFound,
            MembershipError::Timeout => Self::Timeout,
            MembershipError::TooManyRequests => Self::TooManyRequests,
            MembershipError::Stopped => Self::NotNow,
        }
    }
}

impl Refused {
    /// What it means for a change of the members; `None` where another try may do.
    pub(crate) fn to_membership(self) -> Option<MembershipError> {
        Some(match self {
            Self::NotNow => return None,
            Self::Timeout => MembershipError::Timeout,
            Self::NotEnoughStarted => MembershipError::NotEnoughStarted,
            Self::Unhealthy => MembershipError::Unhealthy,
            Self::LearnerNotReady => MembershipError::LearnerNotReady,
            Self::NotFound => MembershipError::Refused(Refusal::NotFound),
            Self::NotLearner => MembershipError::Refused(Refusal::NotLearner),
            Self::ChangeInProgress => MembershipError::Refused(Refusal::InProgress),
            Self::TooManyRequests => MembershipError::TooManyRequests,
        })
    }

    /// What it means for a read; `None` where another try may do.
    pub(crate) fn to_read(self) -> Option<ReadError> {
        match self {
            Self::Timeout => Some(ReadError::Timeout),
            Self::TooManyRequests => Some(ReadError::TooManyRequests),
            _ => None,
        }
    }
}

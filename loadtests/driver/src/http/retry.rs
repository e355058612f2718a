//! Sending again what got no answer.

use std::{fmt, time::Duration};

use rand::Rng;
use serde::{Serialize, Serializer};
use tokio::time::Instant;

use super::{Answer, Call, Connection, connection::Unanswered};

/// Why an attempt brought no lasting answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Failure {
    /// No connection came about.
    Connect,
    /// The connection ended before the answer did.
    Closed,
    /// No answer in time.
    TimedOut,
    /// The service answered that it can't at the moment: 408, 429 or 500 to 599.
    Status(u16),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect => f.write_str("no connection"),
            Self::Closed => f.write_str("connection closed"),
            Self::TimedOut => f.write_str("no answer in time"),
            Self::Status(status) => write!(f, "status {status}"),
        }
    }
}

impl Serialize for Failure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// How long, and how often, an unanswered request is sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// How long an answer may take before the attempt counts as failed.
    pub answer_within: Duration,
    /// When no further attempt is begun, counted from the time the request was planned for.
    pub give_up_after: Duration,
    /// The pause after every instance has failed once; it doubles from round to round, each shortened by up to half at
    /// random.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
}

impl Default for Retry {
    /// Long enough for a service to be killed and come back.
    fn default() -> Self {
        Self {
            answer_within: Duration::from_secs(10),
            give_up_after: Duration::from_secs(60),
            first_pause: Duration::from_millis(50),
            longest_pause: Duration::from_secs(1),
        }
    }
}

impl Retry {
    /// One attempt, and no other: another would be another request.
    pub(crate) const ONCE: Self = Self {
        answer_within: Duration::from_secs(10),
        give_up_after: Duration::ZERO,
        first_pause: Duration::ZERO,
        longest_pause: Duration::ZERO,
    };

    fn pause(&self, round: u32) -> Duration {
        let whole = self.first_pause.saturating_mul(1 << round.min(16)).min(self.longest_pause);
        whole.mul_f64(rand::rng().random_range(0.5..=1.0))
    }
}

/// How a request ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The service answered, and would answer the same again.
    Answered(Answer),
    /// No lasting answer in time.
    GaveUp {
        /// How the last attempt failed.
        last: Failure,
        /// Whether any attempt may have done what was asked for.
        possibly_applied: bool,
    },
}

/// Sends a request until it is answered or `planned` is too long ago, trying the instances in turn.
///
/// A request that changes anything must carry an idempotency key: each attempt may have been applied.
pub(crate) async fn exchange(
    connection: &mut Connection,
    call: &Call,
    retry: &Retry,
    planned: Instant,
    mut failed: impl FnMut(Failure),
) -> Outcome {
    let give_up_at = planned + retry.give_up_after;
    let mut possibly_applied = false;
    let mut failures = 0;
    loop {
        let unanswered = match connection.attempt(call, retry.answer_within).await {
            Ok(answer) if !is_passing(answer.status.as_u16()) => return Outcome::Answered(answer),
            Ok(answer) => Unanswered { failure: Failure::Status(answer.status.as_u16()), possibly_applied: true },
            Err(unanswered) => unanswered,
        };
        possibly_applied |= unanswered.possibly_applied;
        failures += 1;
        connection.move_on();
        let choices = connection.choices();
        let pause = if failures % choices == 0 { retry.pause((failures / choices - 1) as u32) } else { Duration::ZERO };
        if Instant::now() + pause >= give_up_at {
            return Outcome::GaveUp { last: unanswered.failure, possibly_applied };
        }
        failed(unanswered.failure);
        tokio::time::sleep(pause).await;
    }
}

/// Whether a status says that the same request may succeed later.
fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 429 | 500..=599)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pauses_grow_and_are_bounded(round in 0_u32..100) {
            let retry = Retry::default();
            let pause = retry.pause(round);
            prop_assert!(pause >= retry.first_pause / 2);
            prop_assert!(pause <= retry.longest_pause);
        }
    }
}

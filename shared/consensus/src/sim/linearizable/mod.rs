//! Whether a history of calls could have come from one copy of the data that answers one call after the other.
//!
//! The search is Wing and Gong's (1993) with Lowe's memory of configurations (2017): it looks for an order of the calls
//! that keeps who came after whom, and in which each answer is right. A call without an answer may have happened at any
//! time after it began, or never. Nothing here knows of the simulator: histories of real processes are judged the same way.

mod register;
mod search;
#[cfg(test)]
mod tests;

use std::{fmt::Debug, hash::Hash};

pub use self::register::{Operation, Outcome, Register, check_key};

/// What the data is, and which answers are right.
pub trait Model {
    /// All there is to know between two calls.
    type State: Clone + Eq + Hash + Debug;
    /// What is asked. Of equal calls that nobody answered any may stand for another.
    type Operation: PartialEq + Debug;
    /// What is answered.
    type Outcome: Debug;

    /// The state before the first call.
    fn start(&self) -> Self::State;

    /// The state after an operation, or `None` where its outcome would be wrong. Without an outcome any will do.
    fn step(
        &self,
        state: &Self::State,
        operation: &Self::Operation,
        outcome: Option<&Self::Outcome>,
    ) -> Option<Self::State>;
}

/// One call of a history. Times are of one clock for all processes, in any unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call<O, R> {
    /// Who called.
    pub process: u64,
    /// What was asked.
    pub operation: O,
    /// When the call began.
    pub invoked: u64,
    /// When it was answered, and with what; `None` where the caller never learned.
    pub returned: Option<(u64, R)>,
}

/// Why a history does not pass.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// No order explains all answers.
    #[error(
        "no order explains the answers: after {} calls in an order that does, none of calls {blocked:?} can be next",
        .explained.len()
    )]
    NotLinearizable {
        /// The longest order found, as positions in the history.
        explained: Vec<usize>,
        /// What had to come next there, and was answered wrongly for every place it could have.
        blocked: Vec<usize>,
    },
    /// The search was given up.
    #[error("given up after {0} configurations")]
    TooLarge(usize),
}

/// Configurations looked at before a search is given up: some hundred megabytes of memory at most.
const CONFIGURATIONS: usize = 2_000_000;

/// Looks for an order of `history` that explains every answer.
///
/// # Errors
/// [`Rejection::NotLinearizable`] where there is none. [`Rejection::TooLarge`] where none was found in two million steps;
/// then nothing is known.
pub fn check<M: Model>(model: &M, history: &[Call<M::Operation, M::Outcome>]) -> Result<(), Rejection> {
    search::Search::new(model, history).run(CONFIGURATIONS)
}

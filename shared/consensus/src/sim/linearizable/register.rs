use std::{collections::HashSet, fmt::Debug, hash::Hash, marker::PhantomData};

use super::{Call, Model, Rejection, check};

/// One key: it holds a value or none. Histories of several keys are judged key by key, which is as good (Herlihy and
/// Wing, 1990: linearizability is local) and much faster.
#[derive(Clone, Copy, Debug, Default)]
pub struct Register<V>(PhantomData<V>);

/// What is asked of a [`Register`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation<V> {
    /// Its value.
    Read,
    /// A new value.
    Write(V),
    /// A new value if it holds what is expected.
    Swap {
        /// What it has to hold; `None` for no value.
        expected: Option<V>,
        /// The new value.
        new: V,
    },
    /// No value any more.
    Delete,
}

/// What a [`Register`] answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome<V> {
    /// A write or a swap was done.
    Done,
    /// A read, or a swap that was not done: this is what it holds.
    Holds(Option<V>),
    /// A deletion was done; whether there was a value before.
    Deleted(bool),
}

impl<V> Register<V> {
    /// A register without a value.
    #[must_use]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<V: Clone + Eq + Hash + Debug> Model for Register<V> {
    type State = Option<V>;
    type Operation = Operation<V>;
    type Outcome = Outcome<V>;

    fn start(&self) -> Option<V> {
        None
    }

    fn step(&self, held: &Option<V>, operation: &Operation<V>, outcome: Option<&Outcome<V>>) -> Option<Option<V>> {
        let (next, right) = match operation {
            Operation::Read => (held.clone(), Outcome::Holds(held.clone())),
            Operation::Write(new) => (Some(new.clone()), Outcome::Done),
            Operation::Swap { expected, new } if expected == held => (Some(new.clone()), Outcome::Done),
            Operation::Swap { .. } => (held.clone(), Outcome::Holds(held.clone())),
            Operation::Delete => (None, Outcome::Deleted(held.is_some())),
        };
        outcome.is_none_or(|outcome| *outcome == right).then_some(next)
    }
}

/// Judges the history of one key, as [`check`] with a [`Register`] does, but fast where many calls were not answered:
/// values that no answer mentions, and no swap expects, are as good as equal, and so are the calls that may have written
/// them.
///
/// # Errors
/// As [`check`].
pub fn check_key<V: Clone + Eq + Hash + Debug>(history: &[Call<Operation<V>, Outcome<V>>]) -> Result<(), Rejection> {
    let mut told = HashSet::new();
    for Call { operation, returned, .. } in history {
        if let Operation::Swap { expected: Some(value), .. } = operation {
            told.insert(value);
        }
        if let Some((_, Outcome::Holds(Some(value)))) = returned {
            told.insert(value);
        }
    }
    let value = |value: &V| told.contains(value).then(|| value.clone());
    let history: Vec<_> = history.iter().map(|call| call.renamed(value)).collect();
    check(&Register::new(), &history)
}

impl<V> Call<Operation<V>, Outcome<V>> {
    fn renamed<W>(&self, value: impl Fn(&V) -> W) -> Call<Operation<W>, Outcome<W>> {
        let operation = match &self.operation {
            Operation::Read => Operation::Read,
            Operation::Write(new) => Operation::Write(value(new)),
            Operation::Swap { expected, new } => {
                Operation::Swap { expected: expected.as_ref().map(&value), new: value(new) }
            }
            Operation::Delete => Operation::Delete,
        };
        let outcome = |outcome: &Outcome<V>| match outcome {
            Outcome::Done => Outcome::Done,
            Outcome::Holds(held) => Outcome::Holds(held.as_ref().map(&value)),
            Outcome::Deleted(was) => Outcome::Deleted(*was),
        };
        let returned = self.returned.as_ref().map(|(at, answer)| (*at, outcome(answer)));
        Call { process: self.process, operation, invoked: self.invoked, returned }
    }
}

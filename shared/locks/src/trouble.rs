//! What keeps a process from taking any lock. Only who is at the head of a queue finds out; who waits behind asks here.

use std::sync::{Arc, Mutex, PoisonError};

use crate::{Fault, Strategy};

/// What came of the last attempt, if it failed.
#[derive(Debug, Default)]
pub(crate) struct Trouble(Mutex<Option<(Strategy, Arc<Fault>)>>);

impl Trouble {
    pub(crate) fn set(&self, strategy: Strategy, fault: Fault) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((strategy, Arc::new(fault)));
    }

    pub(crate) fn is_over(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// That of a strategy.
    pub(crate) fn of(&self, strategy: Strategy) -> Option<Arc<Fault>> {
        let trouble = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        trouble.as_ref().filter(|(of, _)| *of == strategy).map(|(_, fault)| Arc::clone(fault))
    }
}

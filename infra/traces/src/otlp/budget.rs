//! How many bytes of requests are held at once, whatever number of requests they are.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use super::refusal::Refusal;

/// A bound for all requests together.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    limit: usize,
    used: Arc<AtomicUsize>,
}

/// What one request has taken of it, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Charge {
    budget: Budget,
    bytes: usize,
}

impl Budget {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, used: Arc::default() }
    }

    pub(super) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Nothing yet.
    pub(super) fn charge(&self) -> Charge {
        Charge { budget: self.clone(), bytes: 0 }
    }
}

impl Charge {
    /// Takes more.
    ///
    /// # Errors
    /// [`Refusal::Busy`] where there is no room.
    pub(super) fn add(&mut self, bytes: usize) -> Result<(), Refusal> {
        let used = self.budget.used.fetch_add(bytes, Ordering::Relaxed);
        self.bytes += bytes;
        if used + bytes > self.budget.limit { Err(Refusal::Busy) } else { Ok(()) }
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_is_given_back() {
        let budget = Budget::new(10);
        let mut first = budget.charge();
        first.add(6).unwrap();
        let mut second = budget.charge();
        assert!(matches!(second.add(6), Err(Refusal::Busy)));
        drop(second);
        assert_eq!(budget.used(), 6);
        first.add(4).unwrap();
        drop(first);
        assert_eq!(budget.used(), 0);
    }
}

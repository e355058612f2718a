//! The search for an order.

use std::collections::HashSet;

use super::{Call, Model, Rejection};

/// Which calls an order has so far.
type Chosen = Vec<u64>;

pub(super) struct Search<'a, M: Model> {
    model: &'a M,
    history: &'a [Call<M::Operation, M::Outcome>],
    /// Calls with an answer, by when they began.
    answered: Vec<usize>,
    /// Calls without, by when they began.
    open: Vec<usize>,
    chosen: Chosen,
    seen: HashSet<(Chosen, M::State)>,
    frames: Vec<Frame<M::State>>,
    longest: Vec<usize>,
    blocked: Vec<usize>,
}

/// One place in the order: what can stand there, and what was tried.
struct Frame<S> {
    state: S,
    candidates: Vec<usize>,
    tried: usize,
    /// Which call led here.
    by: Option<usize>,
    /// How many of `answered`, from the first on, are in the order.
    done: usize,
}

impl<'a, M: Model> Search<'a, M> {
    pub(super) fn new(model: &'a M, history: &'a [Call<M::Operation, M::Outcome>]) -> Self {
        let mut calls: Vec<usize> = (0..history.len()).collect();
        calls.sort_by_key(|call| history[*call].invoked);
        let (answered, open) = calls.into_iter().partition(|call| history[*call].returned.is_some());
        Self {
            model,
            history,
            answered,
            open,
            chosen: vec![0; history.len().div_ceil(64)],
            seen: HashSet::new(),
            frames: Vec::new(),
            longest: Vec::new(),
            blocked: Vec::new(),
        }
    }

    pub(super) fn run(mut self, limit: usize) -> Result<(), Rejection> {
        self.enter(self.model.start(), None, 0);
        loop {
            let Some(frame) = self.frames.last_mut() else {
                return Err(Rejection::NotLinearizable { explained: self.longest, blocked: self.blocked });
            };
            if frame.done == self.answered.len() {
                return Ok(());
            }
            let Some(call) = frame.candidates.get(frame.tried).copied() else {
                self.leave();
                continue;
            };
            frame.tried += 1;
            let done = frame.done;
            if let Some(state) = self.after(call) {
                if self.seen.len() >= limit {
                    return Err(Rejection::TooLarge(limit));
                }
                self.choose(call);
                if self.seen.insert((self.chosen.clone(), state.clone())) {
                    self.enter(state, Some(call), done);
                } else {
                    self.choose(call);
                }
            }
        }
    }

    /// The state after one more call; `None` where it can't come next, or changes nothing and need not be in the order.
    fn after(&self, call: usize) -> Option<M::State> {
        let state = &self.frames.last()?.state;
        let Call { operation, returned, .. } = &self.history[call];
        let outcome = returned.as_ref().map(|(_, outcome)| outcome);
        self.model.step(state, operation, outcome).filter(|next| outcome.is_some() || next != state)
    }

    fn enter(&mut self, state: M::State, by: Option<usize>, mut done: usize) {
        while self.answered.get(done).is_some_and(|call| self.is_chosen(*call)) {
            done += 1;
        }
        let candidates = self.candidates(done);
        self.frames.push(Frame { state, candidates, tried: 0, by, done });
        if self.frames.len() > self.longest.len() + 1 || self.blocked.is_empty() {
            self.longest = self.frames.iter().filter_map(|frame| frame.by).collect();
            self.blocked = self.frames.last().map(|frame| frame.candidates.clone()).unwrap_or_default();
        }
    }

    fn leave(&mut self) {
        if let Some(call) = self.frames.pop().and_then(|frame| frame.by) {
            self.choose(call);
        }
    }

    /// Calls that began before the first answer among those that remain. The answered ones come first: most of the others
    /// never happened.
    fn candidates(&self, done: usize) -> Vec<usize> {
        let mut first_answer = u64::MAX;
        let mut candidates = Vec::new();
        for &call in &self.answered[done..] {
            let Call { invoked, returned, .. } = &self.history[call];
            if *invoked > first_answer {
                break;
            }
            if !self.is_chosen(call) {
                first_answer = first_answer.min(returned.as_ref().map_or(u64::MAX, |(at, _)| *at));
                candidates.push(call);
            }
        }
        let begun = |call: &usize| self.history[*call].invoked <= first_answer && !self.is_chosen(*call);
        candidates.retain(|call| self.history[*call].invoked <= first_answer);
        let answered = candidates.len();
        for call in self.open.iter().copied().filter(begun) {
            let equal = |other: &usize| self.history[*other].operation == self.history[call].operation;
            if !candidates[answered..].iter().any(equal) {
                candidates.push(call);
            }
        }
        candidates
    }

    fn is_chosen(&self, call: usize) -> bool {
        self.chosen[call / 64] & (1 << (call % 64)) != 0
    }

    /// Puts a call into the order, or takes it out again.
    fn choose(&mut self, call: usize) {
        self.chosen[call / 64] ^= 1 << (call % 64);
    }
}

//! Whether a lease still holds, by this process's own clock.

use std::sync::Arc;

use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

/// A lease's life as its holder may trust in it. Clones tell of the same lease.
///
/// It ends once, and before the lease can have ended at the coordinators. It is judged by the monotonic clock, which stands
/// still while a whole machine is suspended: what must not be done twice even then needs the fencing token.
#[derive(Debug, Clone)]
pub struct Life(Arc<watch::Sender<State>>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It holds before this moment.
    Until(Instant),
    Ended,
}

impl Life {
    /// One that ends at `deadline` unless it is [extended](Self::extend); for whatever else is held for a time.
    pub fn until(deadline: Instant) -> Self {
        Self(Arc::new(watch::channel(State::Until(deadline)).0))
    }

    /// Whether the lease still holds. Once false, never true again.
    pub fn is_alive(&self) -> bool {
        // Copied: as long as it is borrowed, nobody can end it.
        let state = *self.0.borrow();
        match state {
            State::Ended => false,
            State::Until(deadline) => Instant::now() < deadline || !self.expire(),
        }
    }

    /// Waits until it does not hold any more.
    pub async fn lost(&self) {
        let mut state = self.0.subscribe();
        loop {
            let deadline = match *state.borrow_and_update() {
                State::Ended => return,
                State::Until(deadline) => deadline,
            };
            tokio::select! {
                () = sleep_until(deadline) => if self.expire() { return },
                _ = state.changed() => {}
            }
        }
    }

    /// Moves the deadline, unless it has passed: false then, and the life has ended.
    pub fn extend(&self, later: Instant) -> bool {
        let mut alive = false;
        self.0.send_if_modified(|state| match *state {
            State::Until(deadline) if Instant::now() < deadline => {
                alive = true;
                *state = State::Until(later.max(deadline));
                true
            }
            State::Until(_) => {
                *state = State::Ended;
                true
            }
            State::Ended => false,
        });
        alive
    }

    /// Ends it.
    pub fn end(&self) {
        self.0.send_if_modified(|state| std::mem::replace(state, State::Ended) != State::Ended);
    }

    /// Ends it if its deadline has passed; whether it has ended. Under the same lock as [`extend`](Self::extend), so that
    /// nobody who saw it end can see it alive again.
    fn expire(&self) -> bool {
        self.0.send_if_modified(|state| match *state {
            State::Until(deadline) if deadline <= Instant::now() => {
                *state = State::Ended;
                true
            }
            _ => false,
        });
        *self.0.borrow() == State::Ended
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_life_ends_at_its_deadline_and_for_good() {
        let begun = Instant::now();
        let life = Life::until(begun + Duration::from_secs(2));
        assert!(life.extend(begun + Duration::from_secs(5)));
        life.lost().await;
        assert!(begun.elapsed() >= Duration::from_secs(5) && begun.elapsed() < Duration::from_secs(6));
        assert!(!life.is_alive());
        assert!(!life.extend(Instant::now() + Duration::from_secs(9)), "what was seen to end stays ended");
        assert!(!life.is_alive());
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_that_passed_unseen_can_not_be_moved() {
        let life = Life::until(Instant::now() + Duration::from_secs(2));
        tokio::time::advance(Duration::from_secs(3)).await;
        assert!(!life.extend(Instant::now() + Duration::from_secs(9)));
        assert!(!life.is_alive());
    }

    #[tokio::test(start_paused = true)]
    async fn who_looks_first_after_the_deadline_ends_it() {
        let life = Life::until(Instant::now() + Duration::from_secs(2));
        tokio::time::advance(Duration::from_secs(3)).await;
        assert!(!life.is_alive(), "nobody has waited for it or moved it");
        life.lost().await;
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_is_told_of_an_early_end() {
        let begun = Instant::now();
        let life = Life::until(begun + Duration::from_secs(60));
        let ((), ()) = tokio::join!(life.lost(), async { life.end() });
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }
}

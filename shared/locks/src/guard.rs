//! A lock that is held.

use std::fmt;

use coordination::{election::Leadership, lease::Life};
use telemetry::spans::Span;
use tokio::time::Instant;
use tokio_util::sync::DropGuard;

use crate::{Strategy, Token, holding::Owned, metric_definitions::METRICS, queue::Turn, switch::Permit};

/// A lock, for as long as this is held. Dropped, it is given back in the background.
///
/// A holder must not ask for another lock while it has one: two who do so in different orders wait for each other.
pub struct Guard {
    // In this order: what is held is given back before a switch may count this process as done.
    hold: Hold,
    token: Option<Token>,
    since: Instant,
    span: Span,
    permit: Permit,
}

/// What is held, and where.
pub(crate) enum Hold {
    /// Nothing, or what the caller's transaction holds.
    Nothing,
    Redis {
        owned: Owned,
        life: Life,
        keeper: Option<DropGuard>,
    },
    Cluster {
        leadership: Leadership,
        turn: Option<Turn>,
    },
}

/// The lock is not held any more: its time has passed, or another was given it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the lock was lost while it was held")]
pub struct Lost;

/// What giving a lock back showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Released {
    /// Whether it was held until then, as far as whoever gave it knows. Where it was not, or nobody answered, another may
    /// have had it, and only a fencing token says whether what was stored in the meantime was in order.
    pub held: bool,
}

impl Guard {
    pub(crate) fn new(hold: Hold, token: Option<Token>, span: Span, permit: Permit) -> Self {
        Self { hold, token, since: Instant::now(), span, permit }
    }

    /// How it was taken. With [`Strategy::Database`] the caller's transaction has to lock the rows itself.
    pub fn strategy(&self) -> Strategy {
        self.permit.strategy()
    }

    /// Tells the time of one strategy in this process from the next, also if that is of the same strategy.
    pub fn term(&self) -> u64 {
        self.permit.term()
    }

    /// The fencing token, to be stored and compared by whoever stores; `None` for strategies that have none.
    pub fn token(&self) -> Option<Token> {
        self.token
    }

    /// Whether it still holds, by this process's clock: to be asked right before anything that must not be done without.
    /// True is no promise for the next moment, which is what the token is for.
    ///
    /// # Errors
    /// It was lost.
    pub fn check(&self) -> Result<(), Lost> {
        let held = match &self.hold {
            Hold::Nothing => true,
            Hold::Redis { life, .. } => life.is_alive(),
            Hold::Cluster { leadership, .. } => leadership.is_leader(),
        };
        if held && self.permit.is_member() { Ok(()) } else { Err(Lost) }
    }

    /// Waits until it does not hold any more; for ever where there is nothing to lose.
    pub async fn lost(&self) {
        let held = async {
            match &self.hold {
                Hold::Nothing => std::future::pending().await,
                Hold::Redis { life, .. } => life.lost().await,
                Hold::Cluster { leadership, .. } => leadership.lost().await,
            }
        };
        tokio::select! {
            () = held => {}
            () = self.permit.membership_lost() => {}
        }
    }

    /// Gives it back, and says whether it was held until then.
    pub async fn release(mut self) -> Released {
        let before = self.check().is_ok();
        let hold = std::mem::replace(&mut self.hold, Hold::Nothing);
        let held = match hold {
            Hold::Nothing => true,
            Hold::Redis { mut owned, life, keeper } => {
                drop(keeper);
                let held = owned.release().await;
                life.end();
                held
            }
            Hold::Cluster { leadership, turn } => {
                leadership.resign().await;
                drop(turn);
                true
            }
        };
        let released = Released { held: before && held };
        if !released.held {
            self.span.fail("lost", &Lost);
        }
        released
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        METRICS.held(self.strategy(), self.since.elapsed(), self.span.context());
        if self.check().is_err() {
            self.span.fail("lost", &Lost);
        }
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("strategy", &self.strategy()).field("token", &self.token).finish_non_exhaustive()
    }
}

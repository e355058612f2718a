//! One connection at work.

use std::{cell::RefCell, rc::Rc, time::Duration};

use super::{
    Work,
    clock::Clock,
    lane::{Job, Lane},
    tally::Tally,
};
use crate::http::{Call, Connection, Outcome, Retry, exchange};

/// Takes jobs from its lane, one at a time.
pub(super) struct Worker {
    pub(super) lane: Lane,
    pub(super) connection: Connection,
    pub(super) retry: Retry,
    pub(super) clock: Clock,
    pub(super) tally: Rc<RefCell<Tally>>,
}

impl Worker {
    /// Works until the lane has no more.
    pub(super) async fn work(mut self) {
        while let Some(Job { planned, work }) = self.lane.next().await {
            match work {
                Work::Order(call) => self.place(planned, &call).await,
                Work::Adjustment(call) => {
                    let outcome = self.exchange(planned, &call).await;
                    self.tally.borrow_mut().adjusted(&outcome);
                }
            }
        }
    }

    async fn place(&mut self, planned: Duration, call: &Call) {
        let lag = self.clock.elapsed().saturating_sub(planned);
        if lag > self.retry.give_up_after {
            self.tally.borrow_mut().too_late();
            return;
        }
        self.tally.borrow_mut().sent(lag);
        let outcome = self.exchange(planned, call).await;
        self.tally.borrow_mut().placed(planned, call, &outcome);
    }

    async fn exchange(&mut self, planned: Duration, call: &Call) -> Outcome {
        let planned = self.clock.instant(planned);
        let tally = &self.tally;
        let failed = |failure| tally.borrow_mut().retried(failure);
        exchange(&mut self.connection, call, &self.retry, planned, failed).await
    }
}

//! Where workers get their requests from.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::Rc,
    time::Duration,
};

use tokio::sync::Notify;

use super::{Limit, Work, clock::Clock};
use crate::http::Call;

/// A request and the time its latency counts from.
pub(super) struct Job {
    pub(super) planned: Duration,
    pub(super) work: Work,
}

/// A source of jobs for several workers of one thread.
#[derive(Clone)]
pub(super) enum Lane {
    /// Filled by the dispatcher.
    Queue(Rc<Queue>),
    /// Taken by the workers themselves.
    Supply(Rc<Supply>),
}

impl Lane {
    /// The next job, or `None` where there will be none.
    pub(super) async fn next(&self) -> Option<Job> {
        match self {
            Self::Queue(queue) => queue.next().await,
            Self::Supply(supply) => supply.next(),
        }
    }
}

/// Jobs on their way from the dispatcher to a free connection, the oldest first.
#[derive(Default)]
pub(super) struct Queue {
    waiting: RefCell<VecDeque<Job>>,
    closed: Cell<bool>,
    changed: Notify,
}

impl Queue {
    pub(super) fn push(&self, job: Job) {
        self.waiting.borrow_mut().push_back(job);
        // The worker that became idle last has the warmest connection; those not needed are never opened.
        self.changed.notify_last();
    }

    /// No job will follow.
    pub(super) fn close(&self) {
        self.closed.set(true);
        self.changed.notify_waiters();
    }

    async fn next(&self) -> Option<Job> {
        loop {
            // No other task runs between this look and the first poll of `notified`: nothing is missed.
            if let Some(job) = self.waiting.borrow_mut().pop_front() {
                return Some(job);
            }
            if self.closed.get() {
                return None;
            }
            self.changed.notified().await;
        }
    }
}

/// Orders without end, until the run's limit.
pub(super) struct Supply {
    orders: RefCell<Box<dyn Iterator<Item = Call> + Send>>,
    taken: Cell<u64>,
    limit: Limit,
    clock: Clock,
}

impl Supply {
    pub(super) fn new(orders: Box<dyn Iterator<Item = Call> + Send>, limit: Limit, clock: Clock) -> Self {
        Self { orders: RefCell::new(orders), taken: Cell::new(0), limit, clock }
    }

    fn next(&self) -> Option<Job> {
        let now = self.clock.elapsed();
        if now >= self.limit.sending || self.taken.get() >= self.limit.orders {
            return None;
        }
        self.taken.set(self.taken.get() + 1);
        let call = self.orders.borrow_mut().next()?;
        Some(Job { planned: now, work: Work::Order(call) })
    }
}

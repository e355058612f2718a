//! What is to be sent, and when.

use std::time::Duration;

use crate::http::{Call, Targets};

/// One request and its time.
#[derive(Debug, Clone)]
pub(crate) struct Planned {
    /// When, from the start of the run; never before the one planned before it.
    pub(crate) at: Duration,
    pub(crate) work: Work,
}

/// What a request does.
#[derive(Debug, Clone)]
pub(crate) enum Work {
    /// Places an order.
    Order(Call),
    /// Changes stock.
    Adjustment(Call),
}

/// Everything a run sends.
pub(crate) enum Plan {
    /// At their times, whatever the services do.
    Open {
        /// How many orders it has.
        orders: u64,
        /// The instances that take stock adjustments; needed where it has any.
        inventory: Option<Targets>,
        /// Each request in the order of its time.
        items: Box<dyn Iterator<Item = Planned> + Send>,
    },
    /// Orders as fast as all connections together get them answered, until the run's limit.
    Saturated {
        /// The orders, without end.
        orders: Box<dyn Iterator<Item = Call> + Send>,
    },
}

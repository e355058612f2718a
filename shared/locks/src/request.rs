//! How a lock is asked for.

use std::time::Duration;

use telemetry::context::TraceContext;
use tokio::time::Instant;

/// How long to wait for a lock, and on whose behalf.
#[derive(Debug, Clone, Copy)]
pub struct Request {
    pub(crate) deadline: Instant,
    pub(crate) parent: Option<TraceContext>,
}

impl Request {
    /// Waits no longer than this from now on.
    pub fn within(wait: Duration) -> Self {
        Self::until(Instant::now() + wait)
    }

    /// Waits no longer than until then.
    pub fn until(deadline: Instant) -> Self {
        Self { deadline, parent: None }
    }

    /// The span above those of waiting and of holding.
    pub fn parent(mut self, parent: impl Into<Option<TraceContext>>) -> Self {
        self.parent = parent.into();
        self
    }
}

//! What a reader takes.

use std::time::Duration;

use telemetry::context::TraceContext;

use crate::Stamp;

/// What a reader accepts of a cache, and below which span it reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Acceptable {
    max_age: Option<Duration>,
    position: u64,
    parent: Option<TraceContext>,
}

impl Acceptable {
    /// Whatever is not older than the time to live in force.
    pub fn any() -> Self {
        Self::default()
    }

    /// What is not older than this, even where the time to live is longer. More than the time to live helps only where an
    /// entry was written when that was longer.
    pub fn within(max_age: Duration) -> Self {
        Self { max_age: Some(max_age), ..Self::default() }
    }

    /// Besides, it must include every write up to this position.
    pub fn seeing(self, position: u64) -> Self {
        Self { position, ..self }
    }

    /// Tells what is done by spans below this one.
    pub fn parent(self, parent: impl Into<Option<TraceContext>>) -> Self {
        Self { parent: parent.into(), ..self }
    }

    pub(crate) fn trace(&self) -> Option<TraceContext> {
        self.parent
    }

    /// Up to which position every write must be included; 0 where none must.
    pub(crate) fn sees(&self) -> u64 {
        self.position
    }

    /// Whether nothing in particular must be included.
    pub(crate) fn is_eventual(&self) -> bool {
        self.position == 0
    }

    /// Whether it takes whatever is not older than the time to live.
    pub(crate) fn takes_any(&self) -> bool {
        self.is_eventual() && self.max_age.is_none()
    }

    pub(crate) fn max_age(&self, ttl: Duration) -> Duration {
        self.max_age.unwrap_or(ttl)
    }

    /// Whether it takes what has this stamp, at this time.
    pub(crate) fn takes(&self, stamp: &Stamp, ttl: Duration, now: u64) -> bool {
        let age = Duration::from_millis(now.saturating_sub(stamp.read_at));
        age <= self.max_age(ttl) && stamp.satisfies(self.position)
    }
}

//! A run's time: one start, by both clocks.

use std::time::Duration;

use contracts::Timestamp;
use tokio::time::Instant;

/// When a run started. Planned times are offsets from it, so that each has a place on the monotonic clock, by which
/// requests are sent, and on the system clock, by which the services write their times.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    started: Instant,
    wall: Timestamp,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { started: Instant::now(), wall: Timestamp::now() }
    }

    pub(crate) fn elapsed(self) -> Duration {
        self.started.elapsed()
    }

    pub(crate) fn instant(self, offset: Duration) -> Instant {
        self.started + offset
    }

    pub(crate) fn started_at(self) -> Timestamp {
        self.wall
    }

    /// The planned time in microseconds since 1970.
    pub(crate) fn unix_micros(self, offset: Duration) -> i64 {
        self.wall.unix_micros() + offset.as_micros() as i64
    }

    pub(crate) fn timestamp(self, offset: Duration) -> Timestamp {
        Timestamp::from_unix_micros(self.unix_micros(offset)).unwrap_or(self.wall)
    }
}

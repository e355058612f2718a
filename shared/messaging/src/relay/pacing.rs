//! How much a relay takes at once, and how often.

use std::time::Duration;

use tokio::time::Instant;

use coordination::{
    Name,
    settings::{DefineError, Definitions, Integer, Milliseconds, Setting},
};

/// The most frames that are read at once.
const FRAMES: Integer = Integer { default: 64, range: 1..=1_000 };
/// The least time from one reading to the next.
const PACE: Milliseconds =
    Milliseconds { default: Duration::from_millis(8), range: Duration::ZERO..=Duration::from_secs(1) };

/// A relay rests so many times as long as a reading takes: it is at work a ninth of its time at most. Where processors are
/// short a reading takes long, and what each costs is shared by more frames then.
const RESTS: u32 = 8;
/// And no longer than this.
const LONGEST_REST: Duration = Duration::from_millis(32);

/// When a relay reads next, by how long readings take.
#[derive(Debug, Default)]
pub(super) struct Rest {
    /// What a reading takes: each counts an eighth, so that one that was late is soon forgotten.
    usual: Duration,
}

impl Rest {
    /// When to read next, after a reading from `began` until `ended`.
    pub(super) fn after(&mut self, began: Instant, ended: Instant, pace: Duration) -> Instant {
        self.usual = (self.usual * 7 + (ended - began)) / 8;
        (began + pace).max(ended + LONGEST_REST.min(self.usual * RESTS))
    }
}

/// How much a relay takes at once, and how often; read anew for every reading of the outbox.
#[derive(Debug, Clone)]
pub struct Pacing {
    /// How many frames to read at once.
    pub frames_max: Setting<i64>,
    /// The least time from one reading of the outbox to the next, unless the first one found more than it could take: under
    /// load many transactions' frames are read, sent and deleted together; at rest nothing waits for it.
    pub pace: Setting<Duration>,
}

impl Default for Pacing {
    /// What suits one machine.
    fn default() -> Self {
        Self { frames_max: Setting::fixed(FRAMES.default), pace: Setting::fixed(PACE.default) }
    }
}

impl Pacing {
    /// Defines `<service>.relay.batch` and `<service>.relay.pace_ms`.
    ///
    /// # Errors
    /// They are defined already.
    pub fn define(settings: &mut Definitions, service: &Name) -> Result<Self, DefineError> {
        let help =
            "Most frames that the relay reads from the outbox at once, each a transaction's events of one bucket";
        let frames_max = settings.define(service.join("relay.batch"), FRAMES, "frames", help)?;
        let help = "Least time from one reading of the outbox to the next, unless more waits than was read";
        let pace = settings.define(service.join("relay.pace_ms"), PACE, "ms", help)?;
        Ok(Self { frames_max, pace })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_relay_rests_longer_where_readings_take_long_and_not_for_one_that_was_late() {
        let (mut rest, began) = (Rest::default(), Instant::now());
        let mut after = |took: Duration| rest.after(began, began + took, 8 * MS) - began;
        assert_eq!(after(MS / 2), 8 * MS, "the pace is more");
        assert_eq!(after(4 * MS).max(8 * MS + MS / 2), 8 * MS + MS / 2, "once is no matter");
        for _ in 0..50 {
            after(3 * MS);
        }
        assert!((after(3 * MS).as_secs_f64() * 1e3 - 27.0).abs() < 0.5, "{:?}", after(3 * MS));
        for _ in 0..50 {
            after(100 * MS);
        }
        assert_eq!(after(100 * MS), 132 * MS);
    }
}

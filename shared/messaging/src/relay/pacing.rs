//! How much a relay takes at once, and how often.

use std::time::Duration;

use coordination::{
    Name,
    settings::{DefineError, Definitions, Integer, Milliseconds, Setting},
};

/// The most frames that are read at once.
const FRAMES: Integer = Integer { default: 64, range: 1..=1_000 };
/// The least time from one reading to the next.
const PACE: Milliseconds =
    Milliseconds { default: Duration::from_millis(8), range: Duration::ZERO..=Duration::from_secs(1) };

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

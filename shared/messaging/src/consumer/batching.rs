//! How a consumer's batches are gathered.

use std::{ops::RangeInclusive, time::Duration};

use coordination::{
    Name,
    settings::{DefineError, Definitions, Integer, Milliseconds, Setting},
};

/// How a consumer's batches are gathered; read anew for every batch.
#[derive(Debug, Clone)]
pub struct Batching {
    /// The most messages a batch.
    pub max: Setting<i64>,
    /// How long a batch waits for more messages after its first.
    pub wait: Setting<Duration>,
}

impl Default for Batching {
    /// What suits one machine.
    fn default() -> Self {
        Self { max: Setting::fixed(Self::MAX), wait: Setting::fixed(Self::WAIT) }
    }
}

impl Batching {
    /// The most messages a batch, where nobody says anything.
    pub const MAX: i64 = 2_000;
    /// What it may be.
    pub const MAX_RANGE: RangeInclusive<i64> = 1..=100_000;
    /// How long a batch waits, where nobody says anything.
    pub const WAIT: Duration = Duration::from_millis(5);
    /// What it may be.
    pub const WAIT_RANGE: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(10);

    /// Defines `<service>.consumer.batch_max` and `<service>.consumer.batch_wait_ms`, with these values until they are set.
    ///
    /// # Errors
    /// They are defined already, or a value is out of its range.
    pub fn define(settings: &mut Definitions, service: &Name, max: i64, wait: Duration) -> Result<Self, DefineError> {
        let help = "Most messages from Kafka that a transaction takes";
        let max = Integer { default: max, range: Self::MAX_RANGE };
        let max = settings.define(service.join("consumer.batch_max"), max, "messages", help)?;
        let help = "How long a transaction waits for more messages after the first";
        let wait = Milliseconds { default: wait, range: Self::WAIT_RANGE };
        let wait = settings.define(service.join("consumer.batch_wait_ms"), wait, "ms", help)?;
        Ok(Self { max, wait })
    }
}

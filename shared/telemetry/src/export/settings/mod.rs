//! Where each signal goes, by OpenTelemetry's environment variables:
//! <https://opentelemetry.io/docs/specs/otel/protocol/exporter/> and
//! <https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/>.

mod tls;
mod variables;

use std::time::Duration;

use http::{HeaderMap, Uri};

use self::variables::{Environment, Variables};
pub use self::{
    tls::{InvalidTls, Tls},
    variables::InvalidSetting,
};
use super::Signal;

/// Spans wait here for the exporter. OpenTelemetry's default of 2,048 is full after a tenth of a second at this shop's
/// rates, and what doesn't fit is lost.
const SPANS: usize = 65_536;
/// Log records: a line for each of a second's failures.
const RECORDS: usize = 16_384;
/// How long an item may lie in a chunk that isn't full.
const DELAY: Duration = Duration::from_millis(500);
const RECORD_DELAY: Duration = Duration::from_secs(1);
const INTERVAL: Duration = Duration::from_secs(60);
const METRIC_TIMEOUT: Duration = Duration::from_secs(30);

/// How OTLP is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// `grpc`.
    Grpc,
    /// `http/protobuf`.
    Http,
}

/// Where a signal goes, and how.
#[derive(Debug, Clone)]
pub struct Destination {
    /// What is sent there.
    pub signal: Signal,
    /// The collector. For HTTP with the path: `http://127.0.0.1:4318/v1/traces`.
    pub endpoint: Uri,
    /// How it is spoken to.
    pub protocol: Protocol,
    /// What goes along with every request, such as an API key.
    pub headers: HeaderMap,
    /// How long the collector may take for one request.
    pub timeout: Duration,
    /// Whether requests are compressed.
    pub gzip: bool,
    /// What TLS needs, where the endpoint begins with `https`.
    pub tls: Option<Tls>,
}

impl Destination {
    /// A collector that is spoken to without headers, compression and TLS, and has 10 s for an answer.
    pub fn plain(signal: Signal, endpoint: Uri, protocol: Protocol) -> Self {
        let timeout = Duration::from_secs(10);
        Self { signal, endpoint, protocol, headers: HeaderMap::new(), timeout, gzip: false, tls: None }
    }
}

/// How spans and log records are sent.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where to.
    pub to: Destination,
    /// How long an item waits for others before it is sent.
    pub delay: Duration,
    /// How many items may wait; those that don't fit are lost and counted.
    pub queue: usize,
    /// How many items go into one request at most, beside what their size says.
    pub batch: usize,
}

/// How metrics are sent.
#[derive(Debug, Clone)]
pub struct Periodic {
    /// Where to.
    pub to: Destination,
    /// How often.
    pub interval: Duration,
}

/// What the environment says of all signals; `None` for one that goes nowhere.
#[derive(Debug)]
pub(crate) struct Everything {
    pub(crate) traces: Option<Settings>,
    pub(crate) metrics: Option<Periodic>,
    pub(crate) logs: Option<Settings>,
}

impl Everything {
    /// Reads the environment of this process.
    ///
    /// # Errors
    /// The first variable that can't be used.
    pub(crate) fn from_environment() -> Result<Self, InvalidSetting> {
        Self::read(&|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
    }

    fn read(environment: Environment<'_>) -> Result<Self, InvalidSetting> {
        let variables = |signal| Variables { signal, environment };
        Ok(Self {
            traces: queued(&variables(Signal::Traces), "OTEL_BSP", (SPANS, DELAY))?,
            metrics: periodic(&variables(Signal::Metrics))?,
            logs: queued(&variables(Signal::Logs), "OTEL_BLRP", (RECORDS, RECORD_DELAY))?,
        })
    }
}

/// `prefix` is OpenTelemetry's name of the signal's batch processor.
fn queued(
    variables: &Variables<'_>,
    prefix: &str,
    (queue, delay): (usize, Duration),
) -> Result<Option<Settings>, InvalidSetting> {
    let Some(mut to) = variables.destination()? else { return Ok(None) };
    let size = |what: &str, default: usize| -> Result<usize, InvalidSetting> {
        let given = variables.number(&format!("{prefix}_{what}"))?;
        Ok(given.map_or(default, |size| usize::try_from(size).unwrap_or(usize::MAX).max(1)))
    };
    if let Some(bound) = variables.milliseconds(&format!("{prefix}_EXPORT_TIMEOUT"))? {
        to.timeout = to.timeout.min(bound);
    }
    Ok(Some(Settings {
        delay: variables.milliseconds(&format!("{prefix}_SCHEDULE_DELAY"))?.unwrap_or(delay),
        queue: size("MAX_QUEUE_SIZE", queue)?,
        batch: size("MAX_EXPORT_BATCH_SIZE", usize::MAX)?,
        to,
    }))
}

fn periodic(variables: &Variables<'_>) -> Result<Option<Periodic>, InvalidSetting> {
    let Some(mut to) = variables.destination()? else { return Ok(None) };
    let bound = variables.milliseconds("OTEL_METRIC_EXPORT_TIMEOUT")?.unwrap_or(METRIC_TIMEOUT);
    to.timeout = to.timeout.min(bound);
    let interval = variables.milliseconds("OTEL_METRIC_EXPORT_INTERVAL")?.unwrap_or(INTERVAL);
    Ok(Some(Periodic { to, interval: interval.max(Duration::from_millis(1)) }))
}

#[cfg(test)]
mod tests;

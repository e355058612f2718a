//! The way of spans, metrics and log records out of the process, with every loss counted: a report over lossy spans is not
//! a report.
//!
//! A span or log record is encoded into a bounded [`Queue`]; a thread of its own sends it by OTLP, over gRPC or HTTP, and
//! sends again what the collector could not take. Nothing that happens out there makes a request wait: when the queue is
//! full, items are lost and counted. Metrics are read and sent at an interval, by a thread of their own.

pub(crate) mod about_itself;
mod frame;
mod measured;
mod periodic;
mod queue;
mod sender;
mod settings;
mod signal;
mod transport;

use std::sync::Arc;

use opentelemetry_sdk::Resource;

pub use self::{
    periodic::{Reading, Ticker},
    queue::Queue,
    sender::Sender,
    settings::{Destination, InvalidSetting, InvalidTls, Periodic, Protocol, Settings, Tls},
    signal::Signal,
};
pub(crate) use self::{sender::Ending, settings::Everything};

/// Starts sending: items that are pushed into the queue go to the endpoint, as those of `resource`.
///
/// # Errors
/// Where the settings can't be used, or no thread can be started.
pub fn start(settings: &Settings, resource: &Resource) -> Result<(Arc<Queue>, Sender), crate::Error> {
    let queue = Arc::new(Queue::in_batches(settings.queue, settings.batch));
    let sender = Sender::start(settings, resource, Arc::clone(&queue))?;
    measured::queue(settings.to.signal, &queue);
    Ok((queue, sender))
}

/// Starts sending what `read` reads, as that of `resource`.
///
/// # Errors
/// Where the settings can't be used, or no thread can be started.
pub fn start_periodic(
    settings: &Periodic,
    resource: &Resource,
    read: impl Fn() -> Reading + Send + 'static,
) -> Result<Ticker, crate::Error> {
    let ticker = Ticker::start(settings, resource, read)?;
    measured::exported(Signal::Metrics, ticker.counts());
    Ok(ticker)
}

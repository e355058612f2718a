//! The way of spans out of the process, with every loss counted: a report over lossy spans is not a report.
//!
//! What ends is encoded into a bounded [`Queue`]; a thread of its own sends it by OTLP, over gRPC or HTTP, and sends again
//! what the collector could not take. Nothing that happens out there makes a request wait: when the queue is full, spans
//! are lost and counted.

mod queue;
mod sender;
mod settings;
mod transport;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use opentelemetry::{KeyValue, global};
use opentelemetry_sdk::Resource;

use self::queue::Counts;
pub use self::{
    queue::Queue,
    sender::Sender,
    settings::{InvalidSetting, Protocol, Settings},
};
use crate::names;

/// Starts sending: spans that are pushed into the queue go to the endpoint, as those of `resource`.
///
/// # Errors
/// Where the settings can't be used, or no thread can be started.
pub fn start(settings: &Settings, resource: &Resource) -> Result<(Arc<Queue>, Sender), crate::Error> {
    let queue = Arc::new(Queue::new(settings.queue));
    let sender = Sender::start(settings, resource, Arc::clone(&queue))?;
    measure(&queue);
    Ok((queue, sender))
}

/// What became of spans, by OpenTelemetry's conventions for SDKs:
/// <https://opentelemetry.io/docs/specs/semconv/otel/sdk-metrics/>.
fn measure(queue: &Arc<Queue>) {
    let meter = global::meter("plumbline.telemetry");
    let counter = |name: &'static str, parts: fn(&Counts) -> Vec<(u64, &'static str)>| {
        let queue = Arc::clone(queue);
        let observe = move |observer: &dyn opentelemetry::metrics::AsyncInstrument<u64>| {
            for (count, class) in parts(&queue.counts) {
                match class {
                    "" => observer.observe(count, &[]),
                    class => observer.observe(count, &[KeyValue::new(names::ERROR_TYPE, class)]),
                }
            }
        };
        meter.u64_observable_counter(name).with_unit("{span}").with_callback(observe).build()
    };
    counter("otel.sdk.processor.span.processed", |counts| {
        let lost = read(&counts.no_room);
        vec![(read(&counts.ended).saturating_sub(lost), ""), (lost, "queue_full")]
    });
    counter("otel.sdk.exporter.span.exported", |counts| {
        vec![
            (read(&counts.exported), ""),
            (read(&counts.failed), "export_failed"),
            (read(&counts.rejected), "rejected"),
        ]
    });
    let (held, capacity) = (Arc::clone(queue), queue.capacity() as u64);
    meter
        .u64_observable_gauge("otel.sdk.processor.span.queue.size")
        .with_unit("{span}")
        .with_callback(move |observer| observer.observe(held.len() as u64, &[]))
        .build();
    meter
        .u64_observable_gauge("otel.sdk.processor.span.queue.capacity")
        .with_unit("{span}")
        .with_callback(move |observer| observer.observe(capacity, &[]))
        .build();
}

fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

/// How long a span may lie in a chunk that isn't full.
const DELAY: Duration = Duration::from_millis(500);

//! What became of items, by OpenTelemetry's conventions for SDKs:
//! <https://opentelemetry.io/docs/specs/semconv/otel/sdk-metrics/>.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use opentelemetry::{
    KeyValue, global,
    metrics::{AsyncInstrument, Meter},
};

use super::{Queue, Signal, queue::Counts};
use crate::names;

/// Counts what becomes of the items of a queue.
pub(super) fn queue(signal: Signal, queue: &Arc<Queue>) {
    let meter = meter();
    let (processed, size, capacity) = match signal {
        Signal::Logs => (
            "otel.sdk.processor.log.processed",
            "otel.sdk.processor.log.queue.size",
            "otel.sdk.processor.log.queue.capacity",
        ),
        _ => (
            "otel.sdk.processor.span.processed",
            "otel.sdk.processor.span.queue.size",
            "otel.sdk.processor.span.queue.capacity",
        ),
    };
    counter(&meter, processed, signal, &queue.counts, |counts| {
        let lost = read(&counts.no_room);
        vec![(read(&counts.ended).saturating_sub(lost), ""), (lost, "queue_full")]
    });
    exported(signal, &queue.counts);
    let (held, most) = (Arc::clone(queue), queue.capacity() as u64);
    meter
        .u64_observable_gauge(size)
        .with_description("Items that wait to be sent")
        .with_unit(unit(signal))
        .with_callback(move |observer| observer.observe(held.len() as u64, &[]))
        .build();
    meter
        .u64_observable_gauge(capacity)
        .with_description("Items that may wait to be sent")
        .with_unit(unit(signal))
        .with_callback(move |observer| observer.observe(most, &[]))
        .build();
}

/// Counts what becomes of what is sent.
pub(super) fn exported(signal: Signal, counts: &Arc<Counts>) {
    let name = match signal {
        Signal::Traces => "otel.sdk.exporter.span.exported",
        Signal::Metrics => "otel.sdk.exporter.metric_data_point.exported",
        Signal::Logs => "otel.sdk.exporter.log.exported",
    };
    counter(&meter(), name, signal, counts, |counts| {
        vec![
            (read(&counts.exported), ""),
            (read(&counts.failed), "export_failed"),
            (read(&counts.rejected), "rejected"),
        ]
    });
}

fn meter() -> Meter {
    global::meter("plumbline.telemetry")
}

const fn unit(signal: Signal) -> &'static str {
    match signal {
        Signal::Traces => "{span}",
        Signal::Metrics => "{data_point}",
        Signal::Logs => "{log_record}",
    }
}

/// A counter of several parts, each with the class of its fault; empty, where it is none.
fn counter(
    meter: &Meter,
    name: &'static str,
    signal: Signal,
    counts: &Arc<Counts>,
    parts: fn(&Counts) -> Vec<(u64, &'static str)>,
) {
    let counts = Arc::clone(counts);
    let observe = move |observer: &dyn AsyncInstrument<u64>| {
        for (count, class) in parts(&counts) {
            match class {
                "" => observer.observe(count, &[]),
                class => observer.observe(count, &[KeyValue::new(names::ERROR_TYPE, class)]),
            }
        }
    };
    let builder = meter.u64_observable_counter(name).with_description("Items, by what became of them");
    builder.with_unit(unit(signal)).with_callback(observe).build();
}

fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

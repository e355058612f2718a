//! The way of spans out of the process, with every loss counted: a report over lossy spans is not a report.
//!
//! OpenTelemetry's batch processor drops what its queue has no room for, and only logs it. Here spans are let into that
//! queue only while there is room, and those that aren't are counted in `otel.sdk.processor.span.processed` with
//! `error.type` = `queue_full`; those that the exporter fails to send in `otel.sdk.exporter.span.exported` with
//! `error.type` = `export_failed`.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use opentelemetry::{Context, KeyValue, global, metrics::Counter};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{BatchConfigBuilder, BatchSpanProcessor, Span, SpanData, SpanExporter, SpanProcessor},
};

use crate::names;

/// Batches spans for an exporter; at most `queue` of them wait or are being sent.
pub fn batches<E: SpanExporter + 'static>(exporter: E, queue: usize) -> impl SpanProcessor {
    let meter = global::meter("plumbline.telemetry");
    let counter = |name: &'static str| meter.u64_counter(name).with_unit("{span}").build();
    let inside = Arc::new(AtomicUsize::new(0));
    let exporter =
        Counted { exporter, inside: Arc::clone(&inside), exported: counter("otel.sdk.exporter.span.exported") };
    let config = BatchConfigBuilder::default().with_max_queue_size(queue).build();
    Doorkeeper {
        processor: BatchSpanProcessor::builder(exporter).with_batch_config(config).build(),
        inside,
        queue,
        processed: counter("otel.sdk.processor.span.processed"),
    }
}

/// Lets spans into the queue while there is room.
#[derive(Debug)]
struct Doorkeeper {
    processor: BatchSpanProcessor,
    /// Spans that are in the queue or being sent.
    inside: Arc<AtomicUsize>,
    queue: usize,
    processed: Counter<u64>,
}

impl SpanProcessor for Doorkeeper {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.processor.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        // The processor passes over spans that aren't sampled; so they must not be counted as inside.
        if !span.span_context.is_sampled() {
            return;
        }
        if self.inside.fetch_add(1, Ordering::Relaxed) >= self.queue {
            self.inside.fetch_sub(1, Ordering::Relaxed);
            self.processed.add(1, &[KeyValue::new(names::ERROR_TYPE, "queue_full")]);
            return;
        }
        self.processed.add(1, &[]);
        self.processor.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.processor.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.processor.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.processor.set_resource(resource);
    }
}

/// Counts what an exporter does with the spans it gets.
#[derive(Debug)]
struct Counted<E> {
    exporter: E,
    inside: Arc<AtomicUsize>,
    exported: Counter<u64>,
}

impl<E: SpanExporter> SpanExporter for Counted<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        let outcome = self.exporter.export(batch).await;
        self.inside.fetch_sub(spans, Ordering::Relaxed);
        match &outcome {
            Ok(()) => self.exported.add(spans as u64, &[]),
            Err(_) => self.exported.add(spans as u64, &[KeyValue::new(names::ERROR_TYPE, "export_failed")]),
        }
        outcome
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

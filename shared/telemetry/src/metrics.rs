//! Metrics: OpenTelemetry instruments, read by Prometheus.
//!
//! Instruments come from `opentelemetry::global::meter("plumbline.…")`. They must be made after [`crate::init`], which
//! a `LazyLock` does by itself: instruments made before it count nothing.

use std::sync::{Mutex, OnceLock, PoisonError};

use opentelemetry::global;
use opentelemetry_sdk::{Resource, metrics::SdkMeterProvider};
use prometheus::{Registry, TextEncoder};

use crate::Error;

static REGISTRY: OnceLock<Registry> = OnceLock::new();

/// Buckets, in seconds, for what takes from a tenth of a millisecond to a minute.
///
/// OpenTelemetry's advice for HTTP durations starts at 5 ms; most of what a service does here is quicker.
pub const SECONDS: [f64; 18] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// The content type of [`prometheus_text`].
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Every metric of this process in Prometheus' text format; empty before [`crate::init`].
pub fn prometheus_text() -> String {
    let Some(registry) = REGISTRY.get() else { return String::new() };
    let mut text = String::with_capacity(16 * 1024);
    if let Err(fault) = TextEncoder::new().encode_utf8(&registry.gather(), &mut text) {
        tracing::error!(%fault, "some metrics have no text form");
    }
    text
}

/// Makes the meter provider of this process; the first call counts.
pub(crate) fn start(resource: Resource) -> Result<(), Error> {
    // Held to the end: who comes second, and makes instruments next, must find the provider in its place.
    static STARTING: Mutex<()> = Mutex::new(());
    let _starting = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    if REGISTRY.get().is_some() {
        return Ok(());
    }
    let registry = Registry::new();
    let exporter =
        opentelemetry_prometheus::exporter().with_registry(registry.clone()).scope_info_enabled(false).build()?;
    global::set_meter_provider(SdkMeterProvider::builder().with_resource(resource).with_reader(exporter).build());
    // Only here is it set, and not twice under the lock.
    let _ = REGISTRY.set(registry);
    Ok(())
}

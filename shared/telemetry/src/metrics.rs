//! Metrics: OpenTelemetry instruments, read as Prometheus text.

use std::sync::LazyLock;

use opentelemetry::global;
use opentelemetry_sdk::{Resource, error::OTelSdkError, metrics::SdkMeterProvider};
use prometheus::{Registry, TextEncoder};

static REGISTRY: LazyLock<Registry> = LazyLock::new(Registry::new);

pub(crate) fn init(resource: Resource) -> Result<SdkMeterProvider, OTelSdkError> {
    let exporter =
        opentelemetry_prometheus::exporter().with_registry(REGISTRY.clone()).scope_info_enabled(false).build()?;
    let provider = SdkMeterProvider::builder().with_reader(exporter).with_resource(resource).build();
    global::set_meter_provider(provider.clone());
    Ok(provider)
}

/// Every metric of this process in Prometheus' text format, version 0.0.4.
pub fn prometheus_text() -> String {
    TextEncoder::new().encode_to_string(&REGISTRY.gather()).unwrap_or_else(|error| {
        tracing::error!(%error, "metrics can't be written");
        String::new()
    })
}

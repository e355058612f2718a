#![doc = include_str!("../README.md")]

pub mod context;
mod logs;
mod metrics;
pub mod names;
pub mod spans;

use std::time::Duration;

use opentelemetry::{KeyValue, global};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::{
    Resource,
    metrics::SdkMeterProvider,
    trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider},
};

pub use metrics::prometheus_text;

/// While measuring, a queue that drops spans makes a report over them worthless: this many may wait.
const SPAN_QUEUE: usize = 65_536;

/// Who speaks.
#[derive(Debug, Clone)]
pub struct Identity {
    /// `service.name`.
    pub service: &'static str,
    /// `service.instance.id`.
    pub instance: String,
    /// `service.version`.
    pub version: &'static str,
}

/// Why telemetry could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// `PLUMBLINE_LOG` or `PLUMBLINE_LOG_FORMAT` can't be read.
    #[error("{0}")]
    Log(String),
    /// The Prometheus registry refused.
    #[error("metrics: {0}")]
    Metrics(#[from] opentelemetry_sdk::error::OTelSdkError),
    /// The endpoint in `OTEL_EXPORTER_OTLP_ENDPOINT` can't be used.
    #[error("OTEL_EXPORTER_OTLP_ENDPOINT: {0}")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
}

/// Keeps telemetry running; [`Guard::shutdown`] sends what is left.
#[derive(Debug)]
pub struct Guard {
    traces: Option<SdkTracerProvider>,
    metrics: SdkMeterProvider,
}

/// Sets up logs, metrics and traces for this process, once.
///
/// Logs go to standard error, by `PLUMBLINE_LOG` (a filter as `tracing-subscriber` has it, `info` by default) and
/// `PLUMBLINE_LOG_FORMAT` (`pretty` or `json`). Traces go to `OTEL_EXPORTER_OTLP_ENDPOINT` over gRPC where that is
/// set, by the sampler in `OTEL_TRACES_SAMPLER`; without an endpoint spans cost nothing. Must be called within a
/// tokio runtime.
///
/// # Errors
/// [`Error`] names the variable that is wrong.
pub fn init(identity: &Identity) -> Result<Guard, Error> {
    logs::init()?;
    let resource = Resource::builder()
        .with_service_name(identity.service)
        .with_attributes([
            KeyValue::new(names::SERVICE_INSTANCE_ID, identity.instance.clone()),
            KeyValue::new(names::SERVICE_VERSION, identity.version),
            KeyValue::new(names::PROCESS_PID, i64::from(std::process::id())),
        ])
        .build();
    let metrics = metrics::init(resource.clone())?;
    let traces = match std::env::var("OTEL_EXPORTER_OTLP_ENDPOINT") {
        Ok(endpoint) if !endpoint.is_empty() => Some(traces(&endpoint, resource)?),
        _ => None,
    };
    spans::enable(traces.is_some());
    Ok(Guard { traces, metrics })
}

fn traces(endpoint: &str, resource: Resource) -> Result<SdkTracerProvider, Error> {
    let exporter = SpanExporter::builder().with_tonic().with_endpoint(endpoint).build()?;
    let batches = BatchConfigBuilder::default()
        .with_max_queue_size(SPAN_QUEUE)
        .with_max_export_batch_size(4_096)
        .with_scheduled_delay(Duration::from_millis(500))
        .build();
    let processor = BatchSpanProcessor::builder(exporter).with_batch_config(batches).build();
    // The sampler comes from OTEL_TRACES_SAMPLER, which the provider's defaults read; parentbased_always_on if unset.
    let provider = SdkTracerProvider::builder().with_span_processor(processor).with_resource(resource).build();
    global::set_tracer_provider(provider.clone());
    Ok(provider)
}

impl Guard {
    /// Sends the spans that wait, for up to 5 s.
    pub fn shutdown(self) {
        if let Some(Err(error)) = self.traces.map(|traces| traces.shutdown_with_timeout(Duration::from_secs(5))) {
            tracing::warn!(%error, "spans may be lost");
        }
        // Metrics are pulled: there is nothing to send.
        let _ = self.metrics.shutdown();
    }
}

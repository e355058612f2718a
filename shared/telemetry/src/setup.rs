//! One call sets everything up, one flushes it.

use std::{env, time::Duration};

use opentelemetry::KeyValue;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracerProvider},
};

use crate::{Error, export, logs, metrics, names::resource, sampling, spans};

/// What a process tells of itself, and how it logs.
#[derive(Debug, Clone)]
pub struct Telemetry {
    /// `service.name`, such as `plumbline-order`.
    pub service_name: &'static str,
    /// `service.instance.id`: no other process has the same.
    pub instance_id: String,
    /// Which log lines are written.
    pub log_filter: logs::Filter,
    /// How they look.
    pub log_format: logs::Format,
}

/// Spans wait here for the exporter. OpenTelemetry's default of 2,048 is full after a tenth of a second at this shop's
/// rates, and what doesn't fit is lost.
const SPAN_QUEUE: usize = 65_536;

/// Sets up logs, metrics and traces for this process.
///
/// Traces are exported by OTLP over gRPC where `OTEL_EXPORTER_OTLP_ENDPOINT` or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` is
/// set, with the sampler of `OTEL_TRACES_SAMPLER`, whose ratio [`sampling`] changes; otherwise none are made. Must be called within a tokio runtime, which
/// the exporter's connection lives on. May be called again, as by tests that start several services in a process: the
/// first call counts.
///
/// # Errors
/// See [`Error`].
pub fn init(settings: Telemetry) -> Result<Guard, Error> {
    logs::start(settings.log_format, &settings.log_filter);
    let resource = Resource::builder()
        .with_service_name(settings.service_name)
        .with_attributes([
            KeyValue::new(resource::SERVICE_NAMESPACE, "plumbline"),
            KeyValue::new(resource::SERVICE_VERSION, env!("CARGO_PKG_VERSION")),
            KeyValue::new(resource::SERVICE_INSTANCE_ID, settings.instance_id),
            KeyValue::new(resource::PROCESS_PID, i64::from(std::process::id())),
        ])
        .build();
    metrics::start(resource.clone())?;
    if !is_set("OTEL_EXPORTER_OTLP_ENDPOINT") && !is_set("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") {
        return Ok(Guard { traces: None });
    }
    let exporter = SpanExporter::builder().with_tonic().build()?;
    let processor = export::batches(exporter, span_queue());
    let sampler = sampler();
    let provider = SdkTracerProvider::builder().with_resource(resource).with_span_processor(processor);
    let provider = match sampler {
        spans::Sampler::Independent => provider.with_sampler(sampling::Live),
        spans::Sampler::FollowsParent => provider.with_sampler(Sampler::ParentBased(Box::new(sampling::Live))),
    };
    let provider = provider.build();
    let first = spans::install(&provider, sampler);
    Ok(Guard { traces: first.then_some(provider) })
}

/// What stands between a process' end and the loss of its last spans.
#[derive(Debug)]
#[must_use = "call shutdown before the process ends"]
pub struct Guard {
    traces: Option<SdkTracerProvider>,
}

impl Guard {
    /// Sends what has not been sent, for at most `bound`. Blocks: call it off the runtime's threads.
    pub fn shutdown(self, bound: Duration) {
        if let Some(provider) = self.traces
            && let Err(fault) = provider.shutdown_with_timeout(bound)
        {
            tracing::warn!(%fault, "the last spans were not exported");
        }
    }
}

fn is_set(variable: &str) -> bool {
    env::var_os(variable).is_some_and(|value| !value.is_empty())
}

fn span_queue() -> usize {
    let given = env::var("OTEL_BSP_MAX_QUEUE_SIZE").ok().and_then(|size| size.parse().ok());
    given.filter(|size| *size > 0).unwrap_or(SPAN_QUEUE)
}

fn sampler() -> spans::Sampler {
    match env::var("OTEL_TRACES_SAMPLER").as_deref() {
        Ok("always_on" | "always_off" | "traceidratio") => spans::Sampler::Independent,
        _ => spans::Sampler::FollowsParent,
    }
}

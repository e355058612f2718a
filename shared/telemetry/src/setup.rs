//! One call sets everything up, one flushes it.

use std::{env, time::Duration};

use opentelemetry::KeyValue;
use opentelemetry_sdk::Resource;

use crate::{Error, export, logs, metrics, names::resource, spans};

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

/// Sets up logs, metrics and traces for this process.
///
/// Traces are sent by OTLP where `OTEL_EXPORTER_OTLP_ENDPOINT` or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` is set, see
/// [`export::Settings`], with the sampler of `OTEL_TRACES_SAMPLER`, whose ratio [`sampling`](crate::sampling) changes;
/// otherwise none are made. May be called again, as by tests that start several services in a process: the first call
/// counts.
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
            KeyValue::new(resource::PROCESS_EXECUTABLE_NAME, program()),
            KeyValue::new(resource::HOST_NAME, host()),
            KeyValue::new(resource::HOST_ARCH, architecture()),
        ])
        .build();
    metrics::start(resource.clone())?;
    let Some(settings) = export::Settings::from_environment()? else { return Ok(Guard { sender: None }) };
    let (queue, sender) = export::start(&settings, &resource)?;
    let first = spans::install(queue, sampler());
    Ok(Guard { sender: first.then_some(sender) })
}

/// What stands between a process' end and the loss of its last spans.
#[derive(Debug)]
#[must_use = "call shutdown before the process ends"]
pub struct Guard {
    sender: Option<export::Sender>,
}

impl Guard {
    /// Sends what has not been sent, for at most `bound`. Blocks: call it off the runtime's threads.
    pub fn shutdown(self, bound: Duration) {
        if let Some(sender) = self.sender
            && !sender.shutdown(bound)
        {
            tracing::warn!(?bound, "the last spans were not sent in time");
        }
    }
}

/// What OpenTelemetry's conventions say of a host's architecture.
fn architecture() -> &'static str {
    match env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

fn program() -> String {
    let path = env::current_exe().unwrap_or_default();
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn host() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned()
}

fn sampler() -> spans::Sampler {
    match env::var("OTEL_TRACES_SAMPLER").as_deref() {
        Ok("always_on" | "always_off" | "traceidratio") => spans::Sampler::Independent,
        _ => spans::Sampler::FollowsParent,
    }
}

//! One call sets everything up, one flushes it.

use std::{
    env,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use opentelemetry::KeyValue;
use opentelemetry_sdk::Resource;

use crate::{
    Error,
    export::{self, Ending, Everything, Queue, Sender, Ticker},
    logs, metrics,
    names::resource,
    spans,
};

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
/// Each is sent by OTLP where `OTEL_EXPORTER_OTLP_ENDPOINT`, or the variable of that signal alone, is set, see
/// [`export`]. Spans are made where they are sent, with the sampler of `OTEL_TRACES_SAMPLER`, whose ratio
/// [`sampling`](crate::sampling) changes. Lines and `/metrics` are there in any case. May be called again, as by tests that
/// start several services in a process: the first call counts.
///
/// # Errors
/// See [`Error`].
pub fn init(settings: Telemetry) -> Result<Guard, Error> {
    // Held to the end: who comes second, and makes instruments next, must find the first one's in their place.
    static DONE: Mutex<bool> = Mutex::new(false);
    let mut done = DONE.lock().unwrap_or_else(PoisonError::into_inner);
    if *done {
        return Ok(Guard::default());
    }
    let resource = resource(&settings);
    let started = start(&resource);
    // Lines in any case: what is wrong is told in them.
    let records = started.as_ref().ok().and_then(|(_, records)| records.clone());
    logs::start(settings.log_format, &settings.log_filter, records);
    *done = started.is_ok();
    started.map(|(guard, _)| guard)
}

/// Starts what is sent; answers where log records go.
fn start(resource: &Resource) -> Result<(Guard, Option<Arc<Queue>>), Error> {
    let environment = Everything::from_environment()?;
    metrics::start(resource.clone());
    let mut guard = Guard::default();
    if let Some(settings) = environment.traces {
        let (queue, sender) = export::start(&settings, resource)?;
        spans::install(queue, sampler());
        guard.senders.push(sender);
    }
    if let Some(settings) = environment.metrics {
        guard.ticker = Some(export::start_periodic(&settings, resource, metrics::read)?);
    }
    let Some(settings) = environment.logs else { return Ok((guard, None)) };
    let (records, sender) = export::start(&settings, resource)?;
    guard.senders.push(sender);
    Ok((guard, Some(records)))
}

/// Who this process is.
fn resource(settings: &Telemetry) -> Resource {
    Resource::builder()
        .with_service_name(settings.service_name)
        .with_attributes([
            KeyValue::new(resource::SERVICE_NAMESPACE, "plumbline"),
            KeyValue::new(resource::SERVICE_VERSION, env!("CARGO_PKG_VERSION")),
            KeyValue::new(resource::SERVICE_INSTANCE_ID, settings.instance_id.clone()),
            KeyValue::new(resource::PROCESS_PID, i64::from(std::process::id())),
            KeyValue::new(resource::PROCESS_EXECUTABLE_NAME, program()),
            KeyValue::new(resource::HOST_NAME, host()),
            KeyValue::new(resource::HOST_ARCH, architecture()),
        ])
        .build()
}

/// What stands between a process' end and the loss of its last spans, counts and log records.
#[derive(Debug, Default)]
#[must_use = "call shutdown before the process ends"]
pub struct Guard {
    senders: Vec<Sender>,
    ticker: Option<Ticker>,
}

impl Guard {
    /// Sends what has not been sent, for at most `bound`. Blocks: call it off the runtime's threads.
    pub fn shutdown(self, bound: Duration) {
        let end = Instant::now() + bound;
        let senders = self.senders.into_iter().map(Sender::stop);
        // All are told before one is waited for.
        let ends: Vec<_> = senders.chain(self.ticker.map(Ticker::stop)).collect();
        let within = |ending: Ending| ending.within(end.saturating_duration_since(Instant::now()));
        let all = ends.into_iter().all(within);
        if !all {
            tracing::warn!(?bound, "the last telemetry was not sent in time");
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

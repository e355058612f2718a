//! From `main` to the end of the process.

use std::{collections::HashMap, error::Error, process::ExitCode, time::Duration};

use telemetry::{Telemetry, baggage};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::config::{Reader, Variable};

/// How long the last spans may take on their way out.
const FLUSH: Duration = Duration::from_secs(3);

/// A service as a program.
pub trait Application {
    /// `service.name`, also its program's name after `plumbline-`.
    const NAME: &'static str;
    /// What it does, in a line.
    const ABOUT: &'static str;
    /// What it is configured with.
    type Config;
    /// The service while it runs.
    type App;

    /// Reads the configuration; `None` where something that must be set isn't.
    fn configure(env: &mut Reader) -> Option<Self::Config>;

    /// This instance's name, for telemetry.
    fn instance(config: &Self::Config) -> String;

    /// Builds the service, which then serves. Dropped in the middle when the process is told to stop by then.
    ///
    /// # Errors
    /// Whatever keeps it from starting.
    fn build(config: Self::Config) -> impl Future<Output = Result<Self::App, Box<dyn Error>>>;

    /// Drains the service and ends it.
    fn stop(app: Self::App) -> impl Future<Output = ()>;
}

/// Runs a service as this process: `--help` and `--version`, configuration from the environment, telemetry, and an
/// orderly end at SIGTERM or SIGINT. Exit code 2 means a wrong configuration, 1 that it could not run.
pub fn run<A: Application>() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        None => {}
        Some("--help" | "-h") => {
            print!("{}", help::<A>());
            return ExitCode::SUCCESS;
        }
        Some("--version" | "-V") => {
            println!("plumbline-{} {}", A::NAME, env!("CARGO_PKG_VERSION"));
            return ExitCode::SUCCESS;
        }
        Some(other) => {
            eprintln!("plumbline-{}: unknown argument {other:?}; it is configured by variables, see --help", A::NAME);
            return ExitCode::from(2);
        }
    }
    let mut env = Reader::from_env();
    let config = configure::<A>(&mut env);
    let (config, telemetry) = match env.finish(config) {
        Ok(configured) => configured,
        Err(faults) => {
            eprintln!("plumbline-{}: the configuration is wrong:\n{faults}\n(--help lists every variable)", A::NAME);
            return ExitCode::from(2);
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed::<A>(&error),
    };
    match runtime.block_on(run_until_signal::<A>(config, telemetry)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed::<A>(&*error),
    }
}

/// The service's own configuration, and what every process tells of itself.
fn configure<A: Application>(env: &mut Reader) -> Option<(A::Config, Telemetry)> {
    let log_filter = env.optional("PLUMBLINE_LOG", Default::default(), "which events are logged, for example debug");
    let log_format = env.optional("PLUMBLINE_LOG_FORMAT", Default::default(), "how events look: pretty or json");
    let config = A::configure(env)?;
    let told = env.optional(
        "PLUMBLINE_BAGGAGE_ATTRIBUTES",
        baggage::SCENARIO.to_owned(),
        "which members of a request's baggage spans tell, separated by commas",
    );
    baggage::set_told(told.split(',').map(|key| key.trim().to_owned()).filter(|key| !key.is_empty()).collect());
    let instance_id = A::instance(&config);
    Some((config, Telemetry { service_name: A::NAME, instance_id, log_filter, log_format }))
}

async fn run_until_signal<A: Application>(config: A::Config, telemetry: Telemetry) -> Result<(), Box<dyn Error>> {
    let telemetry = telemetry::init(telemetry)?;
    // Gives memory back also when nothing is asked any more. Without it that only takes longer.
    if let Err(error) = tikv_jemalloc_ctl::background_thread::write(true) {
        tracing::debug!(%error, "the allocator has no thread of its own");
    }
    let stop = CancellationToken::new();
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let stopping = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
        stopping.cancel();
    });
    let ended = run_until::<A>(config, stop).await;
    tokio::task::spawn_blocking(move || telemetry.shutdown(FLUSH)).await?;
    ended
}

async fn run_until<A: Application>(config: A::Config, stop: CancellationToken) -> Result<(), Box<dyn Error>> {
    let app = tokio::select! {
        app = A::build(config) => app?,
        () = stop.cancelled() => return Ok(()),
    };
    stop.cancelled().await;
    A::stop(app).await;
    Ok(())
}

fn failed<A: Application>(error: &dyn Error) -> ExitCode {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        let told = deeper.to_string();
        if !text.contains(&told) {
            text = format!("{text}: {told}");
        }
        cause = deeper.source();
    }
    eprintln!("plumbline-{}: {text}", A::NAME);
    ExitCode::FAILURE
}

fn help<A: Application>() -> String {
    let mut env = Reader::from_map(HashMap::new());
    let _ = configure::<A>(&mut env);
    let described = |variable: &Variable| {
        let default = variable.default.as_ref().map(|d| format!(" [default: {d}]")).unwrap_or_default();
        format!("  {}\n        {}{default}\n", variable.name, variable.help)
    };
    let variables: String = env.variables().iter().map(described).collect();
    format!(
        "plumbline-{}: {}\n\nIt takes no arguments but --help and --version, and is configured by environment \
         variables:\n\n{variables}\nTraces, metrics and logs are sent by OTLP where OTEL_EXPORTER_OTLP_ENDPOINT, or the variable of one \
         of them, is set; OpenTelemetry's other OTEL_ variables apply.\n",
        A::NAME,
        A::ABOUT
    )
}

//! `./plumbline up` and `./plumbline down`.

use std::{path::Path, time::Duration};

use local::shop::{Service, Step};

use crate::{
    CommandError,
    control::{self, ControlError, Overview, Request},
    coordinators, home,
    options::ShopOptions,
    output::{self, Tone},
    supervisor::{
        self, News, detached,
        lock::{Holder, Lock},
    },
    units,
};

/// How long a supervisor may take to end after it has stopped everything.
const PATIENCE: Duration = Duration::from_secs(10);

/// Start the shop: databases, Kafka, coordinators and services
#[derive(Debug, clap::Args)]
#[command(after_help = "PLUMBLINE_… and OTEL_… variables reach every service; `plumbline-order --help` lists them.

Examples:
  ./plumbline up                                       in the foreground, until Ctrl-C
  ./plumbline up -d --instances order=2,inventory=3    in the background, until `./plumbline down`
  ./plumbline up -d --replica                          with a replica of PostgreSQL, see `./plumbline replica`
  ./plumbline up --jaeger                              with Jaeger in place of the shop's own trace store
  ./plumbline up -d --data-dir /tmp/b --port-offset 1000    a second shop beside the first")]
pub(crate) struct Up {
    /// Return when everything is ready, and leave it running
    #[arg(short, long)]
    detach: bool,

    #[command(flatten)]
    shop: ShopOptions,
}

impl Up {
    pub(crate) async fn run(&self, data_dir: &Path) -> Result<(), CommandError> {
        if self.detach {
            let overview = start_detached(data_dir, &self.shop).await?;
            output::line(format_args!("\n{}\n\nStop it with `./plumbline down`.", summary(&overview)))?;
            return Ok(());
        }
        supervisor::run(data_dir, &self.shop, |news| {
            // Whether or not someone still reads along, the shop is looked after.
            let _ = match news {
                News::Step(step) => show(&step),
                News::Up(overview) => output::line(format_args!("\n{}\n\nCtrl-C stops it.", summary(&overview))),
            };
        })
        .await?;
        Ok(())
    }
}

/// Starts a detached shop and shows its steps.
pub(crate) async fn start_detached(data_dir: &Path, options: &ShopOptions) -> Result<Overview, CommandError> {
    let shown = detached::start(data_dir, options, |step| drop(show(&step)));
    Ok(shown.await?)
}

/// Stops the shop and waits until nothing of it is left.
pub(crate) async fn down(data_dir: &Path) -> Result<(), CommandError> {
    match control::ask(data_dir, &Request::Stop, |step| drop(show(&step))).await {
        // One that is still starting does not listen yet, but it heeds signals.
        Err(ControlError::NotListening { pid, .. }) => detached::terminate(pid),
        // It ends as soon as it has answered, and another caller may have asked before.
        Ok(_) | Err(ControlError::Ended { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    if control::wait_until_gone(data_dir, PATIENCE).await {
        return Ok(output::line("down")?);
    }
    let pid = if let Ok(Holder::Process(pid)) = Lock::holder(data_dir) { pid } else { 0 };
    Err(CommandError::StillThere { pid, log: home::supervisor_log(data_dir) })
}

fn show(step: &Step) -> std::io::Result<()> {
    let colour = output::colour();
    let done = Tone::Good.paint(&format!("{:<9}", step.action.to_string()), colour);
    let detail = Tone::Faint.paint(&step.detail, colour);
    let took = if step.took.is_zero() { String::new() } else { units::time(step.took) };
    output::line(format!("{:<18}{done}{took:>12}   {detail}", step.part).trim_end())
}

/// Where the shop is, once it is up.
pub(crate) fn summary(overview: &Overview) -> String {
    let mut lines = vec![format!("up in {}", units::time(overview.started_in))];
    for (service, addresses) in &overview.endpoints.services {
        let urls: Vec<String> = addresses.iter().map(|address| format!("http://{address}")).collect();
        let docs = if *service == Service::Order { "  (API page: /docs)" } else { "" };
        lines.push(format!("{:<18}{}{docs}", service.name(), urls.join("  ")));
    }
    if !overview.endpoints.coordinators.is_empty() {
        lines.push(format!("{:<18}{}", "coordinators", coordinators::urls(overview).join("  ")));
    }
    if let Some(address) = overview.endpoints.traces {
        lines.push(format!("{:<18}http://{address}", "traces"));
    }
    lines.push(format!("{:<18}{}", "operator token", overview.endpoints.operator_token.display()));
    lines.join("\n")
}

//! `plumbline audit`: reads the databases, and tells whether every order is right.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use audit::{Acknowledged, Report, Source};
use driver::ledger;

use crate::{CommandError, commands::status, home, output};

/// Read the databases, trust no service, and tell whether every order is right
#[derive(Debug, clap::Args)]
#[command(after_help = "The exit code is 1 when anything is wrong.

Examples:
  ./plumbline audit
  ./plumbline audit --json | jq .checks
  ./plumbline audit --patience 0    what is on its way counts as wrong")]
pub(crate) struct Audit {
    /// How long to wait for what is still on its way, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    patience: u64,

    /// The report as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    elsewhere: Elsewhere,
}

/// A shop that this command has not started.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "A shop that runs elsewhere, for example in containers; all three or none")]
#[group(requires_all = ["order_database", "inventory_database", "kafka"], multiple = true)]
pub(crate) struct Elsewhere {
    /// URL of the order service's database, for a role that may read it
    #[arg(long, value_name = "URL", env = "PLUMBLINE_AUDIT_ORDER_DATABASE", hide_env_values = true)]
    order_database: Option<String>,

    /// URL of the inventory service's database, for a role that may read it
    #[arg(long, value_name = "URL", env = "PLUMBLINE_AUDIT_INVENTORY_DATABASE", hide_env_values = true)]
    inventory_database: Option<String>,

    /// Address of Kafka, whose dead-letter topics are to be empty
    #[arg(long, value_name = "HOST:PORT", env = "PLUMBLINE_AUDIT_KAFKA")]
    kafka: Option<String>,
}

impl Audit {
    pub(crate) async fn run(&self, data_dir: &Path) -> Result<ExitCode, CommandError> {
        let report = of(data_dir, self.elsewhere.source(), Duration::from_secs(self.patience)).await?;
        if self.json {
            output::line(serde_json::to_string_pretty(&report)?)?;
        } else {
            output::text(&report)?;
        }
        Ok(if report.passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

impl Elsewhere {
    /// What to read, if it is named.
    pub(crate) fn source(&self) -> Option<Source> {
        let Self { order_database, inventory_database, kafka } = self;
        let (order_database, inventory_database) = (order_database.clone()?, inventory_database.clone()?);
        Some(Source { order_database, inventory_database, kafka: kafka.clone()? })
    }
}

/// Audits the shop on this data folder.
pub(crate) async fn of_this_shop(data_dir: &Path, patience: Duration) -> Result<Report, CommandError> {
    of(data_dir, None, patience).await
}

/// Audits a shop that runs elsewhere, or else the one on this data folder.
pub(crate) async fn of(data_dir: &Path, elsewhere: Option<Source>, patience: Duration) -> Result<Report, CommandError> {
    let (source, runs) = match elsewhere {
        Some(source) => (source, home::runs_elsewhere(data_dir)),
        None => (local_source(data_dir).await?, home::runs(data_dir)),
    };
    Ok(audit::audit(&source, &acknowledged(&runs)?, patience).await?)
}

async fn local_source(data_dir: &Path) -> Result<Source, CommandError> {
    let source = status::overview(data_dir).await?.endpoints.audit;
    Ok(Source {
        order_database: source.order_database,
        inventory_database: source.inventory_database,
        kafka: source.kafka.to_string(),
    })
}

/// What the load driver was told in all runs.
fn acknowledged(runs: &Path) -> Result<Vec<Acknowledged>, ledger::LedgerError> {
    let mut all = Vec::new();
    for file in ledger::files(runs)? {
        let run = run_name(&file);
        let entries = ledger::read(&file)?.into_iter();
        all.extend(entries.map(|entry| Acknowledged { run: run.clone(), id: entry.id, key: entry.key }));
    }
    Ok(all)
}

fn run_name(file: &Path) -> String {
    let name = file.file_name().map(PathBuf::from).unwrap_or_default();
    name.to_string_lossy().split('.').next().unwrap_or_default().to_owned()
}

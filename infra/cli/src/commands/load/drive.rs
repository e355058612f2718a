//! How a run is driven.

use std::{path::Path, time::Duration};

use driver::{
    Drive, ledger,
    summary::{Phase, Progress},
};
use indicatif::ProgressBar;

use crate::{CommandError, home, progress, reach::Reach, units};

const CONNECTIONS: usize = 256;
const IN_FLIGHT: usize = 10_000;
const SETTLE: u64 = 60;

/// How a run is driven.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "The run")]
pub(crate) struct DriveOptions {
    /// Connections; each carries one request at a time
    #[arg(long, value_name = "N", default_value_t = CONNECTIONS)]
    connections: usize,

    /// The most orders planned and not yet answered; what is planned beyond is dropped and counted. 10000, or all buyers of
    /// a flash sale
    #[arg(long, value_name = "N")]
    in_flight: Option<usize>,

    /// How long to wait at the end until every acknowledged order is final, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = SETTLE)]
    settle: u64,

    /// The run's name, which begins every idempotency key: the same run again places nothing twice. Made up unless given
    #[arg(long, value_name = "NAME")]
    pub(crate) run: Option<String>,

    /// The summary as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

impl Default for DriveOptions {
    fn default() -> Self {
        Self { connections: CONNECTIONS, in_flight: None, settle: SETTLE, run: None, json: false }
    }
}

impl DriveOptions {
    /// The driver's settings: its ledger stands where the audit looks for it.
    pub(crate) async fn drive(&self, data_dir: &Path, reach: &Reach) -> Result<Drive, CommandError> {
        let mut drive = Drive::new(reach.orders(data_dir).await?);
        if let Some(run) = &self.run {
            drive.run.clone_from(run);
        }
        drive.connections = self.connections;
        drive.in_flight = self.in_flight.unwrap_or(IN_FLIGHT);
        drive.settle_within = Duration::from_secs(self.settle);
        let runs = if reach.is_elsewhere() { home::runs_elsewhere(data_dir) } else { home::runs(data_dir) };
        drive.ledger = Some(ledger::path(&runs, &drive.run));
        Ok(drive)
    }
}

impl DriveOptions {
    /// The same for so many buyers: none is dropped unless it is said how many may be in flight.
    pub(crate) async fn drive_buyers(
        &self,
        data_dir: &Path,
        reach: &Reach,
        buyers: u64,
    ) -> Result<Drive, CommandError> {
        let mut drive = self.drive(data_dir, reach).await?;
        let all = usize::try_from(buyers).unwrap_or(usize::MAX).max(drive.connections);
        drive.in_flight = self.in_flight.unwrap_or(all);
        Ok(drive)
    }
}

/// A bar that follows a run.
pub(crate) struct Follow(ProgressBar);

impl Follow {
    pub(crate) fn start() -> Self {
        Self(progress::bar("orders", 0))
    }

    /// What shows the run's progress.
    pub(crate) fn show(&self) -> impl FnMut(&Progress) + Send + 'static {
        let bar = self.0.clone();
        move |progress| show(&bar, progress)
    }
}

impl Drop for Follow {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn show(bar: &ProgressBar, progress: &Progress) {
    bar.set_length(progress.orders.unwrap_or(progress.planned).max(1));
    let (message, position) = match progress.phase {
        Phase::Sending => ("orders", progress.acknowledged + progress.failed + progress.dropped),
        Phase::Settling => ("settling", progress.acknowledged),
        Phase::Reading => ("reading back", progress.decided),
    };
    bar.set_message(message);
    bar.set_position(position);
    let time = units::time(Duration::from_millis(progress.elapsed_ms));
    bar.set_prefix(format!("{time}  {} in flight, {} failed", progress.in_flight, progress.failed));
}

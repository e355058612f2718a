//! `./plumbline scale`.

use std::{path::Path, time::Instant};

use local::shop::Service;

use crate::{
    CommandError,
    control::{self, Request},
    options::Instances,
    output, units,
};

/// Start or stop instances of a service while the shop runs
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Those that go are those with the greatest numbers; they drain first. The next `up` starts what it is told.

Examples:
  ./plumbline scale inventory=3
  ./plumbline scale order=2 inventory=1"
)]
pub(crate) struct Scale {
    /// A service and how many instances of it there are to be
    #[arg(value_name = "SERVICE=N", required = true)]
    instances: Vec<Instances>,
}

impl Scale {
    pub(crate) async fn run(&self, data_dir: &Path) -> Result<(), CommandError> {
        for &Instances(service, count) in &self.instances {
            let begin = Instant::now();
            to(data_dir, service, count).await?;
            let plural = if count == 1 { "" } else { "s" };
            let took = units::time(begin.elapsed());
            output::line(format_args!("{count} instance{plural} of {service}, after {took}"))?;
        }
        Ok(())
    }
}

/// Has so many instances of a service in the shop on this data folder, and waits until they are ready.
pub(crate) async fn to(data_dir: &Path, service: Service, count: u16) -> Result<(), CommandError> {
    control::ask(data_dir, &Request::Scale { service, count }, drop).await?;
    Ok(())
}

//! `plumbline demo`: the whole shop, a month of real orders, and the audit.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use driver::{Rate, replay::Pace, retail::Retail, seed::Cover};
use local::shop::Service;

use crate::{
    CommandError,
    commands::{
        audit,
        load::{drive::DriveOptions, replay},
        seed, status, up,
    },
    control::{ControlError, Overview},
    home,
    options::ShopOptions,
    output::{self, Tone},
    reach::Reach,
};

/// How long the audit waits for what is still on its way.
const PATIENCE: Duration = Duration::from_secs(60);

/// Start the shop, fill it, replay a month of real orders, and audit it; the shop is left running
#[derive(Debug, clap::Args)]
#[command(after_help = "A shop that runs already is used as it is, and gets the same month once more.

Example:
  ./plumbline demo --instances order=2,inventory=3 --rate 500")]
pub(crate) struct Demo {
    /// Orders a second
    #[arg(long, value_name = "R", default_value = "200")]
    rate: Rate,

    /// Which part of the month's demand is in stock, rounded up for each product
    #[arg(long, value_name = "PART", default_value_t = Cover::default())]
    stock_cover: Cover,

    /// Other orders than those of December 2010, with the columns that data/README.md describes
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,

    #[command(flatten)]
    shop: ShopOptions,
}

impl Demo {
    pub(crate) async fn run(&self, data_dir: &Path) -> Result<ExitCode, CommandError> {
        let file = self.file.clone().unwrap_or_else(home::demo_orders);
        let retail = Retail::read(&file)?;
        let here = Reach::default();

        heading("The shop: real servers and services, on this machine")?;
        let overview = self.shop(data_dir).await?;

        heading(format_args!("Its catalogue and stock, from {}", file.display()))?;
        output::text(&retail.reading)?;
        output::text(seed::put(data_dir, &here, &retail.wares(self.stock_cover)).await?)?;

        heading(format_args!("The month's orders, {} a second", self.rate))?;
        let drive = DriveOptions::default().drive(data_dir, &here).await?;
        output::text(replay::replay(data_dir, drive, &here, &retail, Pace::PerSecond(self.rate), true).await?)?;

        heading("The audit: the databases alone, trusting no service")?;
        let report = audit::of_this_shop(data_dir, PATIENCE).await?;
        output::text(&report)?;

        heading("Yours to try")?;
        output::text(farewell(&overview))?;
        Ok(if report.passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// The shop that runs, else a new one.
    async fn shop(&self, data_dir: &Path) -> Result<Overview, CommandError> {
        match status::overview(data_dir).await {
            Err(CommandError::Control(ControlError::NotRunning(_))) => {
                let overview = up::start_detached(data_dir, &self.shop).await?;
                output::line(format_args!("\n{}", up::summary(&overview)))?;
                Ok(overview)
            }
            running => {
                output::line("It runs already, and is used as it is.")?;
                running
            }
        }
    }
}

fn heading(text: impl std::fmt::Display) -> std::io::Result<()> {
    output::line(format_args!("\n{}\n", Tone::Heading.paint(&format!("== {text}"), output::colour())))
}

fn farewell(overview: &Overview) -> String {
    let url = |service: Service| {
        let address = overview.endpoints.services.iter().find(|(name, _)| *name == service);
        address.and_then(|(_, all)| all.first()).map(|first| format!("http://{first}")).unwrap_or_default()
    };
    let (order, inventory) = (url(Service::Order), url(Service::Inventory));
    let recommendation = url(Service::Recommendation);
    format!(
        "API pages          {order}/docs  {inventory}/docs  {recommendation}/docs
metrics            {order}/metrics
an order           ./plumbline order 85123A=6
bought together    curl -s '{recommendation}/recommendations?sku=85123A&limit=5'
break something    ./plumbline kill inventory && ./plumbline order 85123A=6; ./plumbline restart inventory
who leads          ./plumbline cluster; ./plumbline settings list
load               ./plumbline load synthetic --rate 1000 --for 10
look again         ./plumbline audit

The shop is left running. Stop it with ./plumbline down; its data stays until you remove its folder."
    )
}

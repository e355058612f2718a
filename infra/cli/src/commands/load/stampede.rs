//! `./plumbline load stampede`.

use std::{path::Path, time::Duration};

use contracts::Sku;
use driver::{
    seed::Ware,
    stampede::{self, Report, Stampede},
};

use super::caching::Caching;
use crate::{
    CommandError, borrowed::unless_interrupted, commands::seed, coordinators::Coordinators, output, reach::Reach, units,
};

/// Have everybody ask for one value that has just gone out of the cache
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The product is put into the shop first. A write makes what is cached of its stock out of date, and all callers ask at once to \
see that write, spread over all instances. Settings are set back afterwards.

Examples:
  ./plumbline load stampede
  ./plumbline load stampede --callers 2000 --load-takes 100ms --json"
)]
pub(crate) struct Run {
    /// How many ask
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    callers: usize,

    /// For the stock of what
    #[arg(long, value_name = "SKU", default_value = "STAMPEDE")]
    sku: Sku,

    /// What is added to each load
    #[arg(long, value_name = "TIME", default_value = "30ms", value_parser = units::parse)]
    load_takes: Duration,

    /// How the shop caches meanwhile: off or aside
    #[arg(long, value_name = "WORD", default_value = "aside")]
    policy: String,

    /// As JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    coordinators: Coordinators,

    #[command(flatten)]
    reach: Reach,
}

impl Run {
    pub(crate) async fn run(&self, data_dir: &Path) -> Result<(), CommandError> {
        let name = format!("Wanted by {} at once", self.callers);
        let ware = Ware { sku: self.sku.clone(), name, price_pence: 100, stock: 1 };
        seed::put(data_dir, &self.reach, &[ware]).await?;
        let stampede = Stampede {
            inventory: self.reach.inventory(data_dir).await?,
            token: self.reach.operator_token(data_dir).await?,
            sku: self.sku.clone(),
            callers: self.callers,
        };
        let mut caching = Caching::of(&self.coordinators, data_dir).await?;
        let report = unless_interrupted(self.in_force(&mut caching, stampede)).await;
        caching.give_back().await?;
        let report = report??;
        if self.json {
            output::line(serde_json::to_string_pretty(&report)?)?;
        } else {
            output::text(report)?;
        }
        Ok(())
    }

    async fn in_force(&self, caching: &mut Caching, stampede: Stampede) -> Result<Report, CommandError> {
        caching.slow_down(self.load_takes).await?;
        caching.put_in_force(&self.policy).await?;
        Ok(stampede::run(stampede).await?)
    }
}

//! `./plumbline load flash-sale`.

mod compared;
mod held;
mod strategy;
mod verdict;

use std::{path::Path, process::ExitCode, time::Duration};

use contracts::Sku;
use driver::{
    Rate,
    flash_sale::{Others, Sale, SaleError},
};
use local::shop::{MAX_INSTANCES, Service};

use self::{held::Held, strategy::Strategies, verdict::Auditing};
use super::drive::{DriveOptions, Follow};
use crate::{
    CommandError,
    commands::{audit::Elsewhere, scale, seed, status},
    coordinators::Coordinators,
    reach::Reach,
};

/// Have everybody want one thing, and tell whether more was sold than there was
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The product is put into the shop, or brought to exactly that stock if it is there. Every buyer is a customer of \
its own and wants one unit. When all is decided the shop is audited. The exit code is 1 when more was sold than there was, or the \
audit finds what it had not found before the sale.

Examples:
  ./plumbline load flash-sale
  ./plumbline load flash-sale --sku 85123A --stock 100 --buyers 5000 --rate 2500 --instances 3
  ./plumbline load flash-sale --others 200              how others fare who buy something else meanwhile
  ./plumbline load flash-sale --strategy none           without locks; `settings` sets it back
  ./plumbline load flash-sale --strategy all            one after the other, a product for each; then as it was.
                                                        With redlock, if the shop was started by `up --redlock`"
)]
pub(crate) struct FlashSale {
    /// What everybody wants
    #[arg(long, value_name = "SKU", default_value = "FLASH-SALE")]
    sku: Sku,

    /// How many there are
    #[arg(long, value_name = "N", default_value_t = 5_000)]
    stock: u64,

    /// How many want one
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    buyers: u64,

    /// Buyers a second
    #[arg(long, value_name = "R", default_value = "2000")]
    rate: Rate,

    /// First have so many instances of inventory, as `scale` does; they stay
    #[arg(long, value_name = "N", conflicts_with = "inventory_url",
          value_parser = clap::value_parser!(u16).range(1..=i64::from(MAX_INSTANCES)))]
    instances: Option<u16>,

    /// So many orders a second for 300 other products, before the sale and beside it
    #[arg(long, value_name = "R")]
    others: Option<Rate>,

    /// How long the others order before the sale, alone, and then beside a crowd as large as the sale's that wants anything;
    /// each in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 5, requires = "others",
          value_parser = clap::value_parser!(u64).range(1..=600))]
    before: u64,

    /// First set how inventory locks stock, and wait until all instances do; or `all`, one after the other
    #[arg(long, value_name = "WORD")]
    strategy: Option<String>,

    /// How long the audit waits for what is still on its way, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    patience: u64,

    #[command(flatten)]
    drive: DriveOptions,

    #[command(flatten)]
    coordinators: Coordinators,

    #[command(flatten)]
    reach: Reach,

    #[command(flatten)]
    elsewhere: Elsewhere,
}

/// Why a sale was not even begun.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoSale {
    /// The shop's databases are not known.
    #[error(
        "a sale ends with an audit, and the databases of a shop that runs elsewhere have to be named: --order-database, \
         --inventory-database and --kafka"
    )]
    NoDatabases,
    /// Redlock takes most of several servers.
    #[error(
        "--strategy redlock needs Redis servers that share nothing: `./plumbline down && ./plumbline up -d --redlock` has them"
    )]
    NoRedlock,
    /// Every sale would send what the first has sent.
    #[error("--run can't be given with --strategy all: each sale is a run of its own. Leave it out")]
    OneRun,
    /// The product of a strategy would have no name.
    #[error(
        "--sku {sku}: with --strategy all each has a product of its own, whose SKU begins so: at most {most} characters"
    )]
    LongSku {
        /// What was given.
        sku: Sku,
        /// How long it may be.
        most: usize,
    },
    /// Some instance keeps to what it had.
    #[error(
        "not all instances of inventory lock by {word} after {} s: one has not given back what it holds, or is paused or \
         killed. `./plumbline locks show` tells who holds what, `./plumbline status` what runs", .waited.as_secs()
    )]
    NotInForce {
        /// What was to be in force.
        word: String,
        /// How long was waited.
        waited: Duration,
    },
}

impl FlashSale {
    pub(crate) async fn run(&self, data_dir: &Path) -> Result<ExitCode, CommandError> {
        let sale = self.sale();
        sale.ware().map_err(SaleError::from)?;
        let mut auditing = self.auditing(data_dir).await?;
        if let Some(count) = self.instances {
            scale::to(data_dir, Service::Inventory, count).await?;
        }
        match self.strategy.as_deref() {
            Some(strategy::ALL) => compared::all(self, data_dir, &sale, &mut auditing).await,
            word => {
                if let Some(word) = word {
                    self.strategies(data_dir).await?.put_in_force(word).await?;
                }
                let held = self.hold(data_dir, &sale, &mut auditing).await?;
                held.show(word, self.drive.json)?;
                Ok(if held.is_right() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
            }
        }
    }

    fn sale(&self) -> Sale {
        let others = self.others.map(|rate| Others { rate, before: Duration::from_secs(self.before) });
        Sale { sku: self.sku.clone(), units: self.stock, buyers: self.buyers, rate: self.rate, others }
    }

    async fn auditing<'a>(&self, data_dir: &'a Path) -> Result<Auditing<'a>, CommandError> {
        let elsewhere = self.elsewhere.source();
        if elsewhere.is_none() && self.reach.is_elsewhere() {
            return Err(NoSale::NoDatabases.into());
        }
        Auditing::begin(data_dir, elsewhere, Duration::from_secs(self.patience)).await
    }

    async fn strategies(&self, data_dir: &Path) -> Result<Strategies, CommandError> {
        // What another shop has can't be known.
        let redlock = self.reach.is_elsewhere() || !status::overview(data_dir).await?.endpoints.redlock.is_empty();
        Ok(Strategies::of(self.coordinators.cluster(data_dir).await?, redlock))
    }

    /// Holds one sale, and audits the shop after it.
    async fn hold(&self, data_dir: &Path, sale: &Sale, auditing: &mut Auditing<'_>) -> Result<Held, CommandError> {
        let ware = sale.ware().map_err(SaleError::from)?;
        seed::seeding(data_dir, &self.reach).await?.exactly(&ware).await?;
        if sale.others.is_some() {
            seed::put(data_dir, &self.reach, &Others::wares()).await?;
        }
        let drive = self.drive.drive_buyers(data_dir, &self.reach, sale.buyers).await?;
        let follow = Follow::start();
        let report = driver::flash_sale::run(drive, sale, follow.show()).await?;
        drop(follow);
        let verdict = auditing.after(report.oversold > 0).await?;
        Ok(Held { report, verdict })
    }
}

//! `./plumbline seed`: puts the products of a file and their stock into the shop.

use std::path::{Path, PathBuf};

use driver::{
    retail::Retail,
    seed::{Cover, SeedReport, Seeding, Ware},
};

use crate::{CommandError, output, progress, reach::Reach};

/// Put the products of a file of real orders into the shop, with stock for a part of their demand
#[derive(Debug, clap::Args)]
#[command(after_help = "Seeding again adds no stock: each product is stocked once.

Example:
  ./plumbline seed data/online-retail-2010-12.csv.gz --stock-cover 0.95")]
pub(crate) struct Seed {
    /// CSV, compressed with gzip or not, with the columns that data/README.md describes
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Which part of the file's demand is in stock, rounded up for each product
    #[arg(long, value_name = "PART", default_value_t = Cover::default())]
    stock_cover: Cover,

    /// The report as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    reach: Reach,
}

impl Seed {
    pub(crate) async fn run(&self, data_dir: &Path) -> Result<(), CommandError> {
        let retail = Retail::read(&self.file)?;
        let report = put(data_dir, &self.reach, &retail.wares(self.stock_cover)).await?;
        if self.json {
            let both = serde_json::json!({ "reading": retail.reading, "seeded": report });
            output::line(serde_json::to_string_pretty(&both)?)?;
            return Ok(());
        }
        output::text(format_args!("{}\n{report}", retail.reading))?;
        Ok(())
    }
}

/// Puts products and their stock into the shop.
pub(crate) async fn put(data_dir: &Path, reach: &Reach, wares: &[Ware]) -> Result<SeedReport, CommandError> {
    let seeding = seeding(data_dir, reach).await?;
    let bar = progress::bar("seeding", 0);
    let report = seeding.run(wares, |progress| {
        bar.set_length(progress.of);
        bar.set_position(progress.done);
    });
    let report = report.await;
    bar.finish_and_clear();
    Ok(report?)
}

/// How products and stock are put into the shop.
pub(crate) async fn seeding(data_dir: &Path, reach: &Reach) -> Result<Seeding, CommandError> {
    let orders = reach.orders(data_dir).await?;
    let inventory = reach.inventory(data_dir).await?;
    Ok(Seeding::new(orders, inventory, reach.operator_token(data_dir).await?))
}

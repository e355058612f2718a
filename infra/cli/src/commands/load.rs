//! `./plumbline load`: sends orders and reads, and tells what became of them.

pub(crate) mod browse;
pub(crate) mod caching;
pub(crate) mod drive;
pub(crate) mod flash_sale;
pub(crate) mod replay;
pub(crate) mod stampede;
pub(crate) mod synthetic;
mod together;

use std::{path::Path, process::ExitCode};

use clap::Subcommand;
use driver::summary::Summary;

use crate::{CommandError, output};

/// Send orders or reads, open loop: latency counts from the planned send time, whatever the shop does
#[derive(Debug, Subcommand)]
pub(crate) enum Load {
    Replay(replay::Replay),
    Synthetic(synthetic::Synthetic),
    FlashSale(flash_sale::FlashSale),
    Browse(browse::Looking),
    Stampede(stampede::Run),
}

impl Load {
    /// Sends them; the exit code is 1 where what became of them is wrong.
    pub(crate) async fn run(&self, data_dir: &Path) -> Result<ExitCode, CommandError> {
        match self {
            Self::Replay(replay) => replay.run(data_dir).await?,
            Self::Synthetic(synthetic) => synthetic.run(data_dir).await?,
            Self::FlashSale(sale) => return sale.run(data_dir).await,
            Self::Browse(browse) => browse.run(data_dir).await?,
            Self::Stampede(stampede) => stampede.run(data_dir).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Shows what a run did, as text or as JSON.
fn show(summary: &Summary, json: bool) -> Result<(), CommandError> {
    if json {
        output::line(serde_json::to_string_pretty(summary)?)?;
    } else {
        output::text(summary)?;
    }
    Ok(())
}

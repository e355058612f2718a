//! `./plumbline load replay`.

use std::path::{Path, PathBuf};

use driver::{
    Drive, Rate,
    replay::{self, Pace, Returns},
    retail::Retail,
    summary::Summary,
};

use super::{
    drive::{DriveOptions, Follow},
    together::Together,
};
use crate::{CommandError, output, reach::Reach};

/// Send the orders and returns of a file again
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  ./plumbline load replay data/online-retail-2010-12.csv.gz --rate 200
  ./plumbline load replay data/online-retail-2010-12.csv.gz --speed 3600    an hour of the shop in a second")]
pub(crate) struct Replay {
    /// CSV, compressed with gzip or not, with the columns that data/README.md describes
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Orders a second
    #[arg(long, value_name = "R", required_unless_present = "speed", conflicts_with = "speed")]
    rate: Option<Rate>,

    /// In the file's own rhythm, so many times as fast
    #[arg(long, value_name = "TIMES")]
    speed: Option<Rate>,

    /// Leave out the returns, which need the operator token
    #[arg(long)]
    no_returns: bool,

    #[command(flatten)]
    drive: DriveOptions,

    #[command(flatten)]
    together: Together,

    #[command(flatten)]
    reach: Reach,
}

impl Replay {
    pub(crate) async fn run(&self, data_dir: &Path) -> Result<(), CommandError> {
        let retail = Retail::read(&self.file)?;
        let pace = match (self.rate, self.speed) {
            (Some(rate), _) => Pace::PerSecond(rate),
            (None, Some(times)) => Pace::Faster(times),
            (None, None) => unreachable!("clap requires one of the two"),
        };
        if !self.drive.json {
            output::text(format_args!("{}\n", retail.reading))?;
        }
        let mut drive = self.drive.drive(data_dir, &self.reach).await?;
        drive.gate = self.together.gate(data_dir).await?;
        let done = replay(data_dir, drive, &self.reach, &retail, pace, !self.no_returns).await?;
        super::show(&done, self.drive.json)
    }
}

/// Sends the file's orders again and follows the run with a bar.
pub(crate) async fn replay(
    data_dir: &Path,
    drive: Drive,
    reach: &Reach,
    retail: &Retail,
    pace: Pace,
    with_returns: bool,
) -> Result<Summary, CommandError> {
    let returns = if with_returns {
        let (inventory, token) = (reach.inventory(data_dir).await?, reach.operator_token(data_dir).await?);
        Some(Returns { inventory, token })
    } else {
        None
    };
    let follow = Follow::start();
    Ok(replay::run(drive, retail, pace, returns, follow.show()).await?)
}

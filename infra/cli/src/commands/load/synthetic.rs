//! `./plumbline load synthetic`.

use std::{path::Path, time::Duration};

use clap::ArgGroup;
use driver::{
    Limit, Rate,
    synthetic::{self, Choice, Lines, Load},
};

use super::{
    drive::{DriveOptions, Follow},
    together::Together,
};
use crate::{CommandError, commands::seed, reach::Reach};

/// Send made-up orders, at a rate or as fast as they are answered
#[derive(Debug, clap::Args)]
#[command(
    group = ArgGroup::new("pace").args(["rate", "saturate"]).required(true),
    after_help = "Its products, SYN-00001 and on, are put into the shop first.

Examples:
  ./plumbline load synthetic --rate 2000 --for 30
  ./plumbline load synthetic --rate 500 --skus 100 --choice zipf:1.1
  ./plumbline load synthetic --saturate --choice hot --connections 64"
)]
pub(crate) struct Synthetic {
    /// Orders a second
    #[arg(long, value_name = "R")]
    rate: Option<Rate>,

    /// Every connection sends its next order when its last one is answered: how much the shop takes. Closed loop, so a
    /// stall hides the waits it would have caused
    #[arg(long)]
    saturate: bool,

    /// How long to send, in seconds
    #[arg(long = "for", value_name = "SECONDS", default_value_t = 30)]
    seconds: u64,

    /// The most orders to send
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    orders: u64,

    /// Lines of an order: a number, or a range with both ends included
    #[arg(long, value_name = "N..M", default_value_t = Lines::default())]
    lines: Lines,

    /// How many products there are
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    skus: usize,

    /// How popular each is: uniform, zipf:EXPONENT, or hot, where one product stands in every order
    #[arg(long, value_name = "KIND", default_value_t = Choice::Uniform)]
    choice: Choice,

    /// From the same seed come the same orders
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// Stock of each product, put there once
    #[arg(long, value_name = "N", default_value_t = 1_000_000_000)]
    stock: u64,

    #[command(flatten)]
    drive: DriveOptions,

    #[command(flatten)]
    together: Together,

    #[command(flatten)]
    reach: Reach,
}

impl Synthetic {
    pub(crate) async fn run(&self, data_dir: &Path) -> Result<(), CommandError> {
        let (lines, choice) = (self.lines.clone(), self.choice);
        let load = Load { rate: self.rate, lines, skus: self.skus, choice, seed: self.seed };
        let wares = load.wares(self.stock).map_err(synthetic::LoadError::from)?;
        seed::put(data_dir, &self.reach, &wares).await?;
        let mut drive = self.drive.drive(data_dir, &self.reach).await?;
        drive.limit = Limit { orders: self.orders, sending: Duration::from_secs(self.seconds) };
        drive.gate = self.together.gate(data_dir).await?;
        let follow = Follow::start();
        let done = synthetic::run(drive, load, follow.show()).await?;
        drop(follow);
        super::show(&done, self.drive.json)
    }
}

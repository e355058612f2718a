//! `./plumbline locks`: who holds what, and how ways to lock compare.

mod bench;
mod contest;
mod servers;
mod show;

use std::path::Path;

use self::{bench::Bench, contest::Contend, show::Show};
use crate::CommandError;

/// See who holds which lock, and compare ways to lock
#[derive(Debug, clap::Subcommand)]
#[command(after_help = "Examples:
  ./plumbline locks show
  ./plumbline locks bench --contenders 32 --processes 3 --hold 1ms --for 4s
  ./plumbline settings set inventory.locks.strategy redis    how inventory locks stock; `settings list` tells what there is")]
pub(crate) enum Locks {
    Show(Show),
    Bench(Bench),
    /// What `locks bench` starts: reads what to do from standard input.
    #[command(name = contest::COMMAND, hide = true)]
    Contend(Contend),
}

/// Why locks can't be shown or compared.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LocksError {
    /// A Redis server can't be used.
    #[error(transparent)]
    Config(#[from] locks::ConfigError),
    /// The coordinators' addresses.
    #[error(transparent)]
    Coordinators(#[from] coordination::ConfigError),
    /// Tokens come from coordinators.
    #[error(
        "{0} needs coordinators, and this shop runs without: leave it out of --strategies, or name others by --coordinator-url"
    )]
    NoCoordinators(locks::Strategy),
    /// A process of the comparison failed.
    #[error("a process of the comparison failed: {0}")]
    Process(String),
}

impl Locks {
    pub(crate) async fn run(&self, data_dir: &Path) -> Result<(), CommandError> {
        match self {
            Self::Show(show) => show.run(data_dir).await,
            Self::Bench(bench) => bench.run(data_dir).await,
            Self::Contend(contend) => contend.run().await,
        }
    }
}

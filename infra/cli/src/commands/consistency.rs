//! `./plumbline consistency`: whether each level of consistency keeps what it promises.

mod check;
mod faults;
mod show;

use std::{path::Path, process::ExitCode};

use self::check::Check;
use crate::CommandError;

/// Check that reads show what their level of consistency promises, and see what each level costs
#[derive(Debug, clap::Subcommand)]
#[command(after_help = "Examples:
  ./plumbline consistency check
  ./plumbline consistency check --faults                 while parts of the shop are killed, stopped and held back
  ./plumbline consistency check --faults --operations 20000 --json | jq '.levels[] | {level, violations, latency_ms}'")]
pub(crate) enum Consistency {
    Check(Check),
}

/// Why consistency can't be checked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConsistencyError {
    /// See [`driver::consistency::InvalidTrial`].
    #[error(transparent)]
    Invalid(#[from] driver::consistency::InvalidTrial),
    /// See [`driver::consistency::TrialError`].
    #[error(transparent)]
    Trial(#[from] driver::consistency::TrialError),
}

impl Consistency {
    /// The exit code is 1 where a level did not keep what it promises.
    pub(crate) async fn run(&self, data_dir: &Path) -> Result<ExitCode, CommandError> {
        match self {
            Self::Check(check) => check.run(data_dir).await,
        }
    }
}

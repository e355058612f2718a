//! The load engine: sends what is planned, when it is planned, and measures from then.
//!
//! A run lives on one thread of its own with a single-threaded runtime: no request crosses threads, so the driver costs
//! little and is not what is measured.

mod clock;
mod dispatch;
mod gate;
mod lane;
mod plan;
mod settings;
mod settle;
mod tally;
mod thread;
mod worker;

use std::{cell::RefCell, rc::Rc, time::Duration};

use crate::{
    ledger::{Ledger, LedgerError},
    summary::{Progress, Summary},
};
pub(crate) use clock::Clock;
pub use gate::{Gate, NotBegun};
pub(crate) use plan::{Plan, Planned, Work};
pub(crate) use settings::key;
pub use settings::{Drive, InvalidDrive, InvalidToken, Limit, OperatorToken};
use tally::Tally;
pub use thread::ThreadError;
pub(crate) use thread::alone;

/// How often a run tells its progress and flushes its ledger.
pub const PROGRESS_EVERY: Duration = Duration::from_millis(100);

/// Why a run could not be made, or ended early.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The settings contradict each other.
    #[error(transparent)]
    Settings(#[from] InvalidDrive),
    /// The ledger could not be opened, or no longer be written: acknowledgements would go unrecorded.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Those with whom it was to begin did not come.
    #[error(transparent)]
    NotBegun(#[from] NotBegun),
    /// See [`ThreadError`].
    #[error(transparent)]
    Thread(#[from] ThreadError),
}

/// Runs a plan. Dropping the future ends the run.
pub(crate) async fn run(
    drive: Drive,
    plan: Plan,
    progress: impl FnMut(&Progress) + Send + 'static,
) -> Result<Summary, RunError> {
    drive.check()?;
    let ledger = drive.ledger.as_deref().map(Ledger::open).transpose()?;
    if let Some(gate) = &drive.gate {
        gate.pass().await?;
    }
    alone(move || perform(drive, plan, ledger, progress)).await?
}

async fn perform(
    drive: Drive,
    plan: Plan,
    ledger: Option<Ledger>,
    progress: impl FnMut(&Progress),
) -> Result<Summary, RunError> {
    let clock = Clock::start();
    let tally = Rc::new(RefCell::new(Tally::new(&drive, &plan, clock, ledger)));
    let sent_and_settled = async {
        dispatch::send(&drive, plan, clock, &tally).await;
        settle::settle(&drive, &tally).await;
    };
    tokio::select! {
        biased;
        fault = report(&tally, progress) => return Err(fault.into()),
        () = sent_and_settled => {}
    }
    let mut tally = tally.borrow_mut();
    tally.flush()?;
    Ok(tally.summary())
}

/// Tells the progress and flushes the ledger, until the ledger fails.
async fn report(tally: &RefCell<Tally>, mut progress: impl FnMut(&Progress)) -> LedgerError {
    let mut ticks = tokio::time::interval(PROGRESS_EVERY);
    loop {
        ticks.tick().await;
        let snapshot = {
            let mut tally = tally.borrow_mut();
            if let Err(fault) = tally.flush() {
                return fault;
            }
            tally.progress()
        };
        progress(&snapshot);
    }
}

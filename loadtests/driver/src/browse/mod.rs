//! People who look: reads of products and stock, each product as often as real orders have it, and some writes.

mod popularity;
mod report;
mod source;
mod worker;

use std::{cell::RefCell, rc::Rc, time::Duration};

use contracts::consistency::Level;
use tokio::task::JoinSet;

use crate::{
    OperatorToken, Rate, Targets, ThreadError,
    engine::{Clock, PROGRESS_EVERY, alone},
};
pub use popularity::Popularity;
pub use report::Report;
use report::Tally;
use source::Source;
use worker::Worker;

/// The longest that one run sends.
pub const LONGEST: Duration = Duration::from_secs(3_600);
/// The most connections.
pub const MAX_CONNECTIONS: usize = 4_096;

/// What people look at, and how often.
#[derive(Debug, Clone)]
pub struct Browse {
    /// The inventory service's instances.
    pub inventory: Targets,
    /// What changing stock needs.
    pub token: OperatorToken,
    /// How often each product is looked at. All of them must be in the shop.
    pub popularity: Popularity,
    /// Requests a second, at planned times; `None` keeps every connection busy.
    pub rate: Option<Rate>,
    /// How long to send.
    pub lasting: Duration,
    /// Connections, each a session of its own with one request at a time.
    pub connections: usize,
    /// How new answers have to be.
    pub level: Level,
    /// Which part of the requests adds one to a stock, from 0 to 1; of the others, half read a product and half its stock.
    pub write_share: f64,
    /// From the same seed come the same choices of each connection.
    pub seed: u64,
}

/// A browse that makes no sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBrowse {
    /// No product.
    #[error("there must be products to look at, and the file's orders have none")]
    Products,
    /// No time, or too long.
    #[error("the time must be above 0, and at most {} s", LONGEST.as_secs())]
    Lasting,
    /// None, or too many.
    #[error("the connections must be 1 to {MAX_CONNECTIONS}")]
    Connections,
    /// No part of anything.
    #[error("the part of writes must be 0 to 1")]
    WriteShare,
}

/// Why nobody could look.
#[derive(Debug, thiserror::Error)]
pub enum BrowseError {
    /// See [`InvalidBrowse`].
    #[error(transparent)]
    Browse(#[from] InvalidBrowse),
    /// See [`ThreadError`].
    #[error(transparent)]
    Thread(#[from] ThreadError),
}

impl Browse {
    fn check(&self) -> Result<(), InvalidBrowse> {
        match self {
            Self { popularity, .. } if popularity.is_empty() => Err(InvalidBrowse::Products),
            Self { lasting, .. } if lasting.is_zero() || *lasting > LONGEST => Err(InvalidBrowse::Lasting),
            Self { connections, .. } if !(1..=MAX_CONNECTIONS).contains(connections) => Err(InvalidBrowse::Connections),
            Self { write_share, .. } if !(0.0..=1.0).contains(write_share) => Err(InvalidBrowse::WriteShare),
            _ => Ok(()),
        }
    }
}

/// Sends for as long as is said. `progress` is told how long it has been. Dropping the future ends the run.
///
/// # Errors
/// The settings make no sense, or no thread could be started.
pub async fn run(browse: Browse, progress: impl FnMut(Duration) + Send + 'static) -> Result<Report, BrowseError> {
    browse.check()?;
    Ok(alone(move || perform(browse, progress)).await?)
}

async fn perform(browse: Browse, mut progress: impl FnMut(Duration)) -> Report {
    let clock = Clock::start();
    let source = Rc::new(Source::new(browse.rate, browse.lasting, clock));
    let tally = Rc::new(RefCell::new(Tally::default()));
    let browse = Rc::new(browse);
    let mut workers = JoinSet::new();
    for number in 0..browse.connections {
        let worker = Worker::new(number, Rc::clone(&browse), clock, Rc::clone(&source), Rc::clone(&tally));
        workers.spawn_local(worker.work());
    }
    let mut ticks = tokio::time::interval(PROGRESS_EVERY);
    loop {
        tokio::select! {
            ended = workers.join_next() => if ended.is_none() { break },
            _ = ticks.tick() => progress(clock.elapsed()),
        }
    }
    tally.take().report(&browse, source.dropped())
}

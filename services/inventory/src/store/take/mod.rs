//! What the order service's news do to stock: one transaction for many, a handful of statements however many they are, and one
//! that writes where they are few.

mod at_once;
mod by_steps;
mod news;
mod telling;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use messaging::{
    consumer::{Batch, HandleError},
    database, inbox,
};
use telemetry::{context::TraceContext, spans::in_statement};

pub use self::news::{Cancelled, OrderNews, Told};
use super::{ChangeError, Store, reservations};
use crate::locking::Access;

/// What news came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Taken {
    /// How many they were, without what can't be understood.
    pub events: usize,
    /// Orders reserved.
    pub reserved: u64,
    /// Orders rejected.
    pub rejected: u64,
    /// Orders whose stock was given back.
    pub released: u64,
    /// See [`Decided::violations`](crate::domain::Decided::violations).
    pub violations: u64,
    /// What its transaction waited for.
    pub waits: Waits,
}

/// What a transaction waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Waits {
    /// For a connection.
    pub pool: Duration,
    /// For the database to begin it, if that was a statement of its own.
    pub begin: Option<Duration>,
    /// For the lock of its stock.
    pub lock: Duration,
    /// For rows of stock, the statement that reads them included.
    pub rows: Duration,
    /// For the commit, if that was a statement of its own.
    pub commit: Option<Duration>,
}

impl Taken {
    /// This, and what came before it; the waits are this one's.
    #[must_use]
    pub fn after(self, before: Self) -> Self {
        Self {
            events: self.events + before.events,
            reserved: self.reserved + before.reserved,
            rejected: self.rejected + before.rejected,
            released: self.released + before.released,
            violations: self.violations + before.violations,
            waits: self.waits,
        }
    }
}

/// What a transaction takes of what some batches bring.
#[derive(Debug, Clone, Copy)]
pub enum Part<'a> {
    /// Some of it: the batches come again if nothing else happens, and find then what was decided.
    First(&'a OrderNews),
    /// All that is left.
    Rest(&'a OrderNews),
}

impl<'a> Part<'a> {
    /// What it takes.
    pub fn news(self) -> &'a OrderNews {
        let (Self::First(news) | Self::Rest(news)) = self;
        news
    }

    /// Where positions are to be moved so that other consumers keep away from the batches' messages, for ever if nothing of
    /// them is left.
    fn positions(self, batches: &[Arc<Batch>]) -> Vec<inbox::Span> {
        let spans = inbox::joined(batches.iter().map(|batch| batch.spans()));
        match self {
            Self::First(_) => inbox::held(spans),
            Self::Rest(_) => spans,
        }
    }
}

/// What news are taken with.
#[derive(Debug, Clone, Copy)]
pub struct With<'a> {
    /// All batches of which something is not taken yet.
    pub batches: &'a [Arc<Batch>],
    /// The right to change the stock of the news's [SKUs](OrderNews::skus).
    pub access: &'a Access,
    /// How long that was waited for.
    pub waited: Duration,
    /// What is done once belongs under this.
    pub trace: Option<TraceContext>,
}

impl Store {
    /// What the orders hold that are cancelled.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn cancelled(&self, news: &OrderNews, trace: Option<TraceContext>) -> Result<Cancelled, HandleError> {
        let (_, orders) = news.orders();
        if orders.is_empty() {
            return Ok(Cancelled::default());
        }
        let mut connection = database::acquire(&self.pool, trace).await?;
        let reading = reservations::lines(&mut connection, &orders);
        Ok(Cancelled(in_statement("SELECT reservations", trace, reading).await?))
    }

    /// Takes news: moves the inbox, decides, moves stock and reservations, and writes what is to be published and what goes to
    /// the dead letters, all in one transaction.
    ///
    /// # Errors
    /// Another consumer has taken some of it, or a later holder of the lock has stored, and those of the database; then
    /// nothing has happened.
    pub async fn take(&self, part: Part<'_>, cancelled: Cancelled, with: With<'_>) -> Result<Taken, ChangeError> {
        let at_once = if at_once::may_be(part.news(), with.access, &self.told) {
            self.take_at_once(part, with).await?
        } else {
            None
        };
        let taken = match at_once {
            Some(taken) => taken,
            None => self.take_by_steps(part, cancelled, with).await?,
        };
        if let Part::First(news) = part {
            news.told.iter().for_each(|told| told.item.end());
        }
        Ok(taken)
    }
}

/// Tells how long each step took.
struct Stopwatch(Instant);

impl Stopwatch {
    fn start() -> Self {
        Self(Instant::now())
    }

    fn lap(&mut self) -> Duration {
        let now = Instant::now();
        now - std::mem::replace(&mut self.0, now)
    }
}

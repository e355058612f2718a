//! What the order service's news do to stock: one transaction a batch, a handful of statements however large it is, and one
//! that writes where it is small.

mod at_once;
mod by_steps;
mod telling;

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap},
    time::{Duration, Instant},
};

use contracts::{OrderId, StockLine, Timestamp};
use messaging::{Broken, Message, consumer, consumer::HandleError, database, inbox};
use telemetry::{context::TraceContext, spans::in_statement};
use uuid::Uuid;

use super::{ChangeError, Store, reservations};
use crate::{domain::OrderEvent, locking::Access};

/// A batch of the order service's news.
#[derive(Debug)]
pub struct OrderNews<'a> {
    /// What it tells, in the order in which it was told.
    pub told: Vec<Told<'a>>,
    /// What can't be understood, with its index in the batch, and why.
    pub broken: Vec<(usize, &'a Message, Broken)>,
    /// When it came from Kafka.
    pub received_at: Timestamp,
}

/// An event with the message that brought it.
#[derive(Debug)]
pub struct Told<'a> {
    /// The event.
    pub event: OrderEvent,
    /// The message.
    pub message: &'a Message,
    /// Its index in the batch.
    pub index: usize,
}

/// What a batch came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Taken {
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

/// What a batch's orders hold that it cancels, as far as they have reservations. Read before anything is locked, because it
/// says what to lock; it never changes.
#[derive(Debug, Default)]
pub struct Cancelled(HashMap<OrderId, Vec<StockLine>>);

impl<'a> OrderNews<'a> {
    /// Every SKU whose stock they may change.
    pub fn skus<'b>(&'b self, cancelled: &'b Cancelled) -> BTreeSet<&'b str> {
        let placed = self.told.iter().flat_map(|told| told.event.lines());
        placed.chain(cancelled.0.values().flatten()).map(|line| line.sku.as_str()).collect()
    }

    /// Parts off the orders that want none of these SKUs, as far as no other news tell of them.
    pub fn part(&mut self, held: &BTreeSet<String>) -> Self {
        let mut news_of: HashMap<OrderId, usize> = HashMap::new();
        self.told.iter().for_each(|told| *news_of.entry(told.event.order_id()).or_default() += 1);
        let is_apart = |told: &mut Told<'_>| {
            let lines = told.event.lines();
            let is_held = |line: &StockLine| held.contains(line.sku.as_str());
            !lines.is_empty() && news_of[&told.event.order_id()] == 1 && !lines.iter().any(is_held)
        };
        let told = self.told.extract_if(.., is_apart).collect();
        Self { told, broken: Vec::new(), received_at: self.received_at }
    }
}

impl Taken {
    /// This, and what came before it of the same batch; the waits are this one's.
    #[must_use]
    pub fn after(self, before: Self) -> Self {
        Self {
            reserved: self.reserved + before.reserved,
            rejected: self.rejected + before.rejected,
            released: self.released + before.released,
            violations: self.violations + before.violations,
            waits: self.waits,
        }
    }
}

/// What a transaction takes of a batch.
#[derive(Debug, Clone, Copy)]
pub enum Part<'a, 'b> {
    /// Some of it: the batch comes again if nothing else happens, and finds then what was decided.
    First(&'b OrderNews<'a>),
    /// All that is left.
    Rest(&'b OrderNews<'a>),
}

impl<'a, 'b> Part<'a, 'b> {
    fn news(self) -> &'b OrderNews<'a> {
        let (Self::First(news) | Self::Rest(news)) = self;
        news
    }

    /// Where the batch's positions are to be moved so that other consumers keep away from its messages, for ever if nothing of
    /// it is left.
    fn positions(self, batch: &consumer::Batch) -> Cow<'_, [inbox::Span]> {
        match self {
            Self::First(_) => inbox::held(batch.spans()).into(),
            Self::Rest(_) => batch.spans().into(),
        }
    }
}

impl Store {
    /// What the orders hold that a batch cancels.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn cancelled(&self, news: &OrderNews<'_>, trace: Option<TraceContext>) -> Result<Cancelled, HandleError> {
        let (_, orders) = split(&news.told);
        if orders.is_empty() {
            return Ok(Cancelled::default());
        }
        let mut connection = database::acquire(&self.pool, trace).await?;
        let reading = reservations::lines(&mut connection, &orders);
        Ok(Cancelled(in_statement("SELECT reservations", trace, reading).await?))
    }

    /// Takes news of a batch, or all of it: moves the inbox, decides, moves stock and reservations, and writes what is to be
    /// published and what goes to the dead letters, all in one transaction. `access` is to the stock of the news's
    /// [SKUs](OrderNews::skus), and was waited for so long.
    ///
    /// # Errors
    /// Another consumer has taken some of it, or a later holder of the lock has stored, and those of the database; then
    /// nothing has happened.
    pub async fn take(
        &self,
        batch: &consumer::Batch,
        part: Part<'_, '_>,
        cancelled: Cancelled,
        (access, waited): (&Access, Duration),
    ) -> Result<Taken, ChangeError> {
        let taking = Taking { batch, part, access, trace: batch.trace() };
        if at_once::may_be(part.news(), access, &self.told)
            && let Some(taken) = self.take_at_once(taking, waited).await?
        {
            return Ok(taken);
        }
        self.take_by_steps(taking, cancelled, waited).await
    }
}

/// What is taken, and with which right.
#[derive(Debug, Clone, Copy)]
struct Taking<'a> {
    batch: &'a consumer::Batch,
    part: Part<'a, 'a>,
    access: &'a Access,
    /// What is done once for the batch belongs under this.
    trace: Option<TraceContext>,
}

/// The orders that are placed, and those that are cancelled.
fn split(told: &[Told<'_>]) -> (Vec<Uuid>, Vec<Uuid>) {
    let of = |wanted: fn(&OrderEvent) -> bool| -> BTreeSet<OrderId> {
        told.iter().map(|told| &told.event).filter(|event| wanted(event)).map(OrderEvent::order_id).collect()
    };
    let cancelled = of(|event| matches!(event, OrderEvent::Cancelled(_)));
    let placed = of(|event| matches!(event, OrderEvent::Placed { .. }));
    let placed = placed.iter().map(|order| order.as_uuid()).collect();
    (placed, cancelled.iter().map(|order| order.as_uuid()).collect())
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

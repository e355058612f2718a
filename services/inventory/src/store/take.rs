//! What the order service's news do to stock: one transaction a batch, a handful of statements however large it is.

use std::{
    collections::{BTreeSet, HashMap},
    time::{Duration, Instant},
};

use contracts::{
    OrderId, StockLine, Timestamp,
    event::{Event as _, Hops, OrderPlaced, ReleaseReason, StockRejected, StockReleased, StockReserved},
};
use messaging::{
    BUCKETS, Broken, Message, consumer,
    consumer::HandleError,
    crash,
    database::{self, copies::Writing},
    inbox, outbox,
};
use sqlx::{Connection, PgConnection};
use telemetry::{
    context::TraceContext,
    names::{shop, wait},
    spans::in_statement,
};
use uuid::Uuid;

use super::{ChangeError, Store, reservations, stock};
use crate::{
    SOURCE,
    domain::{Decided, Found, OrderEvent, Outcome, Standing, decide},
    locking::{Access, Writes},
};

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
    /// See [`Decided::violations`].
    pub violations: u64,
    /// What its transaction waited for.
    pub waits: Waits,
}

/// What a transaction waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Waits {
    /// For a connection.
    pub pool: Duration,
    /// For the database to begin it.
    pub begin: Duration,
    /// For the lock of its stock.
    pub lock: Duration,
    /// For rows of stock, the statement that reads them included.
    pub rows: Duration,
    /// For the commit.
    pub commit: Duration,
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

    /// Keeps other consumers away from the batch's messages, for ever if nothing of it is left.
    async fn enter(self, connection: &mut PgConnection, spans: &[inbox::Span]) -> Result<(), inbox::AdvanceError> {
        match self {
            Self::First(_) => inbox::hold(connection, spans).await,
            Self::Rest(_) => inbox::advance(connection, spans).await,
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
        let (trace, news) = (batch.trace(), part.news());
        let mut clock = Stopwatch::start();
        let mut connection = database::acquire(&self.pool, trace).await?;
        let pool = clock.lap();
        let mut transaction = connection.begin().await?;
        let begin = clock.lap();
        in_statement("UPDATE inbox_position", trace, part.enter(&mut transaction, batch.spans())).await?;
        self.told.enter(&mut transaction, access).await?;
        let (found, rows, waited_for_rows) = find(&mut transaction, news, cancelled, access.writes(), trace).await?;
        let decided_at = Timestamp::now();
        let decided = decide(news.told.iter().map(|told| &told.event), &found);
        let traces = traces(batch, news);
        let written = apply(&mut transaction, &decided, (&rows, access), decided_at, &traces, trace).await?;
        let events = publish(batch, news, &decided, decided_at);
        let writing = trace.filter(|_| !events.is_empty());
        in_statement("INSERT outbox", writing, events.write(&mut transaction)).await?;
        crash::point("consumer.before-commit");
        clock.lap();
        in_statement("COMMIT", trace, transaction.commit()).await?;
        self.told.done(access);
        self.stored(&decided.stock, &rows, written);
        let waits = Waits { lock: waited, pool, begin, rows: waited_for_rows, commit: clock.lap() };
        let taken = Taken { waits, ..count(&decided) };
        note(batch, news, &decided, &taken.waits);
        Ok(taken)
    }
}

/// Reads what deciding these events needs to know, with every row locked that it may change, save reservations that are
/// only confirmed, which is one blind update; and save stock, where that is not how it is guarded.
///
/// What is read before its lock is only what can't change meanwhile. All news of an order come through one partition,
/// whose position this transaction has locked, so no other makes a reservation for these orders; and lines never change. A
/// status may, by the sweep, and is read under its lock where it matters. A request may make a reservation under one of these
/// ids, which ends this transaction when it comes to store its own; the batch is taken again then, and finds it.
async fn find(
    connection: &mut PgConnection,
    news: &OrderNews<'_>,
    cancelled: Cancelled,
    writes: Writes,
    trace: Option<TraceContext>,
) -> Result<(Found, stock::Rows, Duration), ChangeError> {
    let (placed, _) = split(&news.told);
    let found = reservations::statuses(connection, &placed);
    let placed_before = in_statement("SELECT reservations", of(trace, &placed), found).await?;

    let skus = news.skus(&cancelled);
    let mut clock = Stopwatch::start();
    let reading = trace.filter(|_| !skus.is_empty());
    let (levels, rows) = in_statement(writes.reading(), reading, stock::read(connection, skus, writes)).await?;
    let waited = clock.lap();

    let Cancelled(mut live) = cancelled;
    let locked: Vec<Uuid> = live.keys().map(|order| order.as_uuid()).collect();
    let found = reservations::lock(connection, &locked);
    let cancelled_before = in_statement("SELECT reservations FOR UPDATE", of(trace, &locked), found).await?;
    let direct = placed_before.iter().filter(|(_, place)| place.direct).map(|(order, _)| *order).collect();
    let mut places = placed_before;
    // Over the others, because they were read behind the lock.
    places.extend(cancelled_before);
    let standing = |(order, place): (OrderId, reservations::Place)| {
        let lines = live.remove(&order).unwrap_or_default();
        (order, Standing { status: place.status, lines })
    };
    let reservations = places.into_iter().map(standing).collect();
    Ok((Found { stock: levels, reservations, direct }, rows, waited))
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

async fn apply(
    connection: &mut PgConnection,
    decided: &Decided<'_>,
    (rows, access): (&stock::Rows, &Access),
    now: Timestamp,
    traces: &HashMap<OrderId, TraceContext>,
    trace: Option<TraceContext>,
) -> Result<Option<Writing>, ChangeError> {
    let setting = stock::set(connection, &decided.stock, rows, access);
    let written = in_statement("UPDATE stock", of(trace, &decided.stock), setting).await?;
    let (confirmed, released) = (&decided.confirmed, &decided.released);
    in_statement("UPDATE reservations", of(trace, confirmed), reservations::confirm(connection, confirmed)).await?;
    let inserted = reservations::insert(connection, &decided.reservations, (now, false), traces);
    in_statement("INSERT reservations", of(trace, &decided.reservations), inserted).await?;
    in_statement("UPDATE reservations", of(trace, released), reservations::release(connection, released, now)).await?;
    Ok(written)
}

/// The span of each placed order that is recorded.
fn traces(batch: &consumer::Batch, news: &OrderNews<'_>) -> HashMap<OrderId, TraceContext> {
    if batch.trace().is_none() {
        return HashMap::new();
    }
    let placed = news.told.iter().filter(|told| matches!(told.event, OrderEvent::Placed { .. }));
    let traces = placed.filter_map(|told| Some((told.event.order_id(), batch.trace_of(told.index)?)));
    traces.filter(|(_, trace)| trace.is_sampled()).collect()
}

/// The trace for a statement over these rows, which isn't made where there are none.
fn of<T>(trace: Option<TraceContext>, rows: &[T]) -> Option<TraceContext> {
    trace.filter(|_| !rows.is_empty())
}

/// What the transaction waited for, and what became of each order, on the spans of its messages.
fn note(batch: &consumer::Batch, news: &OrderNews<'_>, decided: &Decided<'_>, waits: &Waits) {
    if batch.trace().is_none() {
        return;
    }
    let mut outcomes: Vec<&str> = news.told.iter().map(|told| told.event.effect()).collect();
    for (index, outcome) in &decided.outcomes {
        outcomes[*index] = outcome.name();
    }
    for (told, outcome) in news.told.iter().zip(outcomes) {
        batch.note(told.index, |span| {
            span.set(wait::POOL, waits.pool);
            span.set(wait::BEGIN, waits.begin);
            span.set(wait::LOCK, waits.lock);
            span.set(wait::ROW_LOCKS, waits.rows);
            span.set(wait::COMMIT, waits.commit);
            span.set(shop::OUTCOME, outcome);
        });
    }
}

/// What is to be said about a batch.
fn publish(
    batch: &consumer::Batch,
    news: &OrderNews<'_>,
    decided: &Decided<'_>,
    decided_at: Timestamp,
) -> outbox::Batch {
    let mut events = outbox::Batch::new(SOURCE);
    for (index, outcome) in &decided.outcomes {
        let told = &news.told[*index];
        let order_id = told.event.order_id();
        let hops = Hops { published_at: told.message.timestamp, received_at: news.received_at, decided_at };
        let (bucket, carried) = (order_id.bucket(BUCKETS), batch.carried(told.index));
        match outcome {
            Outcome::Reserved => {
                let lines = told.event.lines().to_vec();
                events.push(bucket, &StockReserved { order_id, lines, hops }, carried);
            }
            Outcome::Rejected(lacking) => {
                events.push(bucket, &StockRejected { order_id, lacking: lacking.clone(), hops }, carried);
            }
            Outcome::Released => {
                let reason = ReleaseReason::Cancelled;
                events.push(bucket, &StockReleased { order_id, reason, released_at: decided_at }, carried);
            }
            Outcome::IdTaken => {
                let fault = format!("{order_id} stands for a reservation that was made by a request to this service");
                let reason = Broken::Value { event_type: OrderPlaced::TYPE, fault };
                events.dead_letter(told.message, &reason, batch.trace_of(told.index));
            }
        }
    }
    for (index, message, reason) in &news.broken {
        events.dead_letter(message, reason, batch.trace_of(*index));
    }
    events
}

fn count(decided: &Decided<'_>) -> Taken {
    let mut taken = Taken { violations: decided.violations, ..Taken::default() };
    for (_, outcome) in &decided.outcomes {
        match outcome {
            Outcome::Reserved => taken.reserved += 1,
            Outcome::Rejected(_) => taken.rejected += 1,
            Outcome::Released => taken.released += 1,
            Outcome::IdTaken => {}
        }
    }
    taken
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

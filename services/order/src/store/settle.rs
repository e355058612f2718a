//! What inventory's news do to orders: one transaction a batch.

use std::{collections::HashSet, time::Instant};

use contracts::{
    OrderId, Timestamp,
    consistency::Written,
    event::{Event, OrderCancelled, ReleaseReason, StockRejected, StockReleased, StockReserved},
    order::{OrderStatus, Rejection},
};
use messaging::{
    BUCKETS, Broken, Message,
    consumer::{Batch, HandleError},
    crash, database, inbox, outbox,
};
use sqlx::{Connection as _, PgConnection};
use telemetry::{
    context::TraceContext,
    names::{shop, wait},
    spans::in_statement,
};
use uuid::Uuid;

use super::{
    Store,
    shelves::{self, OfOrders},
    transitions::{self, Moved},
};
use crate::{
    SOURCE,
    domain::{Decision, Verdict},
};

/// A batch of inventory's news.
#[derive(Debug, Default)]
pub struct News<'a> {
    /// What it decided.
    pub verdicts: Vec<Told<'a, Verdict>>,
    /// What it gave back.
    pub releases: Vec<Told<'a, StockReleased>>,
    /// What can't be understood, and why.
    pub broken: Vec<Told<'a, Broken>>,
}

/// News with the message that brought them.
#[derive(Debug)]
pub struct Told<'a, T> {
    /// What is told.
    pub what: T,
    /// The message.
    pub message: &'a Message,
    /// Its index in the batch.
    pub index: usize,
}

/// An order that came into a final status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// Which order.
    pub id: OrderId,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// What became of it.
    pub decision: Written<Decision>,
    /// The span of the news.
    pub trace: Option<TraceContext>,
}

impl Store {
    /// Takes a batch of news: moves the inbox, moves the orders, writes what is to be published about them and what
    /// goes to the dead letters, all in one transaction. Answers the orders that came into a final status.
    ///
    /// # Errors
    /// When another consumer has taken some of it, and those of the database; then nothing has happened.
    pub async fn settle(&self, batch: &Batch, news: &News<'_>, now: Timestamp) -> Result<Vec<Settled>, HandleError> {
        let trace = batch.trace();
        let mut clock = Instant::now();
        let mut connection = database::acquire(&self.pool, trace).await?;
        let pool = clock.elapsed();
        clock = Instant::now();
        let mut transaction = connection.begin().await?;
        let begin = clock.elapsed();
        in_statement("UPDATE inbox_position", trace, inbox::advance(&mut transaction, batch.spans())).await?;
        let (events, reads) = (outbox::Batch::new(SOURCE), self.orders.replaces());
        let mut taking =
            Taking { batch, now, reads, events, settled: Vec::new(), written: Vec::new(), idle: Vec::new() };
        taking.verdicts(&mut transaction, &news.verdicts).await?;
        taking.releases(&mut transaction, &news.releases).await?;
        taking.dead_letters(&mut transaction, &news.broken).await?;
        let writing = trace.filter(|_| !taking.events.is_empty());
        in_statement("INSERT outbox", writing, taking.events.write(&mut transaction)).await?;
        crash::point("consumer.before-commit");
        clock = Instant::now();
        in_statement("COMMIT", trace, transaction.commit()).await?;
        let commit = clock.elapsed();
        self.orders.changed(taking.written);
        if trace.is_some() {
            (0..batch.messages.len()).for_each(|index| {
                batch.note(index, |span| {
                    span.set(wait::POOL, pool);
                    span.set(wait::BEGIN, begin);
                    span.set(wait::COMMIT, commit);
                });
            });
        }
        Ok(taking.settled)
    }
}

/// A batch on its way through its transaction.
struct Taking<'a> {
    batch: &'a Batch,
    now: Timestamp,
    events: outbox::Batch,
    settled: Vec<Settled>,
    /// Whether it is of use to read what is written.
    reads: bool,
    /// What is to be told of orders that are cached.
    written: Vec<cache::News<OfOrders>>,
    /// Messages that moved nothing: repeats, most likely.
    idle: Vec<Told<'a, OrderId>>,
}

impl<'a> Taking<'a> {
    async fn verdicts(&mut self, connection: &mut PgConnection, told: &[Told<'a, Verdict>]) -> Result<(), sqlx::Error> {
        let verdicts = || told.iter().map(|told| &told.what);
        let deciding = transitions::decide(connection, verdicts, (self.now, self.reads));
        let trace = self.batch.trace().filter(|_| !told.is_empty());
        let moved = in_statement("UPDATE orders", trace, deciding).await?;
        for Moved { index, status, placed_at, writing, order } in &moved {
            let told = &told[*index];
            let (verdict, id) = (&told.what, told.what.order_id);
            self.batch.note(told.index, |span| span.set(shop::OUTCOME, status.as_str()));
            if *status == OrderStatus::Confirmed {
                self.events.push(id.bucket(BUCKETS), &verdict.confirmation(self.now), self.batch.carried(told.index));
            }
            // An order that its customer has cancelled only got its times.
            if *status != OrderStatus::Cancelled {
                self.written.push(shelves::moved(id, *status, order.clone(), *writing));
                self.settled.push(Settled {
                    id,
                    placed_at: *placed_at,
                    decision: Written::new(verdict.decision(self.now), writing.position),
                    trace: self.batch.trace_of(told.index),
                });
            }
        }
        self.note_idle(told, &moved, |verdict| verdict.order_id);
        Ok(())
    }

    async fn releases(
        &mut self,
        connection: &mut PgConnection,
        told: &[Told<'a, StockReleased>],
    ) -> Result<(), sqlx::Error> {
        let expired: Vec<&Told<'_, _>> =
            told.iter().filter(|told| told.what.reason == ReleaseReason::Expired).collect();
        let ids = || expired.iter().map(|told| told.what.order_id);
        let trace = self.batch.trace().filter(|_| !expired.is_empty());
        let expiring = transitions::expire(connection, ids, (self.now, self.reads));
        for moved in in_statement("UPDATE orders", trace, expiring).await? {
            let Moved { index, status, placed_at, writing, order } = moved;
            let id = expired[index].what.order_id;
            if status == OrderStatus::Cancelled {
                let cancelled = OrderCancelled { order_id: id, cancelled_at: self.now };
                self.events.push(id.bucket(BUCKETS), &cancelled, self.batch.carried(expired[index].index));
            }
            self.batch.note(expired[index].index, |span| span.set(shop::OUTCOME, status.as_str()));
            let rejection = Some(Rejection::ReservationExpired);
            let decision = Decision { status, decided_at: self.now, rejection };
            self.written.push(shelves::moved(id, status, order, writing));
            self.settled.push(Settled {
                id,
                placed_at,
                decision: Written::new(decision, writing.position),
                trace: self.batch.trace_of(expired[index].index),
            });
        }
        let noting = transitions::note_releases(connection, || told.iter().map(|told| &told.what));
        let trace = self.batch.trace().filter(|_| !told.is_empty());
        let moved = in_statement("UPDATE orders", trace, noting).await?;
        for Moved { index, .. } in &moved {
            // Of one that has expired its order's status was told above, where that has changed.
            if told[*index].what.reason != ReleaseReason::Expired {
                self.batch.note(told[*index].index, |span| span.set(shop::OUTCOME, "released"));
            }
        }
        self.note_idle(told, &moved, |release| release.order_id);
        Ok(())
    }

    fn note_idle<T>(&mut self, told: &[Told<'a, T>], moved: &[Moved], id: impl Fn(&T) -> OrderId) {
        if moved.len() == told.len() {
            return;
        }
        let moved: HashSet<usize> = moved.iter().map(|moved| moved.index).collect();
        let idle = told.iter().enumerate().filter(|(index, _)| !moved.contains(index));
        self.idle.extend(idle.map(|(_, told)| Told { what: id(&told.what), message: told.message, index: told.index }));
    }

    /// Sends away what can't be understood, and what tells of orders that don't exist.
    async fn dead_letters(
        &mut self,
        connection: &mut PgConnection,
        broken: &[Told<'_, Broken>],
    ) -> Result<(), sqlx::Error> {
        for Told { what: reason, message, index } in broken {
            self.events.dead_letter(message, reason, self.batch.trace_of(*index));
        }
        if self.idle.is_empty() {
            return Ok(());
        }
        let ids: Vec<Uuid> = self.idle.iter().map(|told| told.what.as_uuid()).collect();
        let asking = transitions::known(connection, &ids);
        let known = in_statement("SELECT orders", self.batch.trace(), asking).await?;
        for &Told { what: id, message, index } in &self.idle {
            if known.contains(&id.as_uuid()) {
                self.batch.note(index, |span| span.set(shop::OUTCOME, "unchanged"));
                continue;
            }
            let reason = unknown_order(id, message);
            self.batch.note(index, |span| span.fail("dead_letter", &reason));
            self.events.dead_letter(message, &reason, self.batch.trace_of(index));
        }
        Ok(())
    }
}

fn unknown_order(id: OrderId, message: &Message) -> Broken {
    let event_type = match () {
        () if message.is::<StockReserved>() => StockReserved::TYPE,
        () if message.is::<StockRejected>() => StockRejected::TYPE,
        () => StockReleased::TYPE,
    };
    Broken::Value { event_type, fault: format!("there is no order {id}") }
}

//! What inventory's news do to orders: one transaction a batch.

mod at_once;
mod by_steps;

use std::time::Instant;

use contracts::{OrderId, Timestamp, consistency::Written, event::StockReleased, order::OrderStatus};
use messaging::{
    BUCKETS, Broken, Message,
    consumer::{Batch, HandleError},
    database, outbox,
};
use telemetry::{
    context::TraceContext,
    names::{shop, wait},
};

use super::{
    Store,
    shelves::{self, OfOrders},
    transitions::Moved,
};
use crate::domain::{Decision, Verdict};

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
        let clock = Instant::now();
        let mut connection = database::acquire(&self.pool, trace).await?;
        let pool = clock.elapsed();
        (0..batch.messages.len()).for_each(|index| batch.note(index, |span| span.set(wait::POOL, pool)));
        let with = With { batch, now, reads: self.orders.replaces() };
        let taken = match at_once::settle(&mut connection, news, with).await? {
            Some(taken) => taken,
            None => by_steps::settle(&mut connection, news, with).await?,
        };
        self.orders.changed(taken.written);
        Ok(taken.settled)
    }
}

/// What a batch is settled with.
#[derive(Debug, Clone, Copy)]
struct With<'a> {
    batch: &'a Batch,
    now: Timestamp,
    /// Whether it is of use to read what is written.
    reads: bool,
}

/// What a batch came to.
#[derive(Debug, Default)]
struct Taken {
    settled: Vec<Settled>,
    /// What is to be told of orders that are cached.
    written: Vec<cache::News<OfOrders>>,
}

impl Taken {
    /// Notes orders that inventory's decisions have moved.
    fn verdicts(&mut self, told: &[Told<'_, Verdict>], moved: &[Moved], With { batch, now, .. }: With<'_>) {
        for Moved { index, status, placed_at, writing, order } in moved {
            let told = &told[*index];
            let (verdict, id) = (&told.what, told.what.order_id);
            batch.note(told.index, |span| span.set(shop::OUTCOME, status.as_str()));
            // An order that its customer has cancelled only got its times.
            if *status != OrderStatus::Cancelled {
                self.written.push(shelves::moved(id, *status, order.clone(), *writing));
                self.settled.push(Settled {
                    id,
                    placed_at: *placed_at,
                    decision: Written::new(verdict.decision(now), writing.position),
                    trace: batch.trace_of(told.index),
                });
            }
        }
    }
}

/// Has it said that an order is confirmed.
fn confirm(events: &mut outbox::Batch, told: &Told<'_, Verdict>, With { batch, now, .. }: With<'_>) {
    let verdict = &told.what;
    events.push(verdict.order_id.bucket(BUCKETS), &verdict.confirmation(now), batch.carried(told.index));
}

//! One committing task.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use contracts::consistency::Written;
use messaging::relay;
use service::{
    gather::{Batching, Taker},
    pause,
    queue::Queue,
};
use telemetry::{
    context::{TraceContext, in_scope},
    names::{db, shop, wait},
    spans::{self, Span},
};
use tokio::{
    sync::oneshot,
    time::{Instant, sleep, timeout_at},
};

use super::{Committed, Error};
use crate::{
    domain::NewOrder,
    metric_definitions::METRICS,
    store::{self, Attempt, Placement, Writer},
};

/// An order that waits to be committed, and who waits for it.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) order: NewOrder,
    pub(super) reply: oneshot::Sender<Result<Committed, Error>>,
    pub(super) queued_at: Instant,
    pub(super) span: Option<Span>,
}

impl AsRef<NewOrder> for Pending {
    fn as_ref(&self) -> &NewOrder {
        &self.order
    }
}

impl Pending {
    fn answer(mut self, placement: Placement, transaction: &Transaction) {
        if let Some(span) = &mut self.span {
            span.set(wait::COMMIT_QUEUE, transaction.began - self.queued_at);
            span.set(db::OPERATION_BATCH_SIZE, transaction.orders as i64);
            let id = match &placement {
                Placement::Repeated(stored) => stored.value.id,
                _ => self.order.id(),
            };
            span.set(shop::ORDER_ID, &id.to_string());
            span.set(shop::OUTCOME, placement.name());
            if transaction.failures > 0 {
                span.set(wait::RETRY, transaction.paused);
                span.set(shop::RETRIES, i64::from(transaction.failures));
            }
            span.link(transaction.trace.filter(|_| transaction.orders > 1));
        }
        let answer = match placement {
            Placement::Stored => Ok(Committed::Stored(Box::new(Written::new(self.order, transaction.position)))),
            Placement::Repeated(order) => Ok(Committed::Repeated(order)),
            Placement::KeyTaken => Err(Error::KeyTaken),
        };
        drop(self.span);
        // Nobody listens when the caller has gone; the order stands all the same.
        let _ = self.reply.send(answer);
    }

    /// Begins its span, where its trace is recorded: from the order's queueing to its answer.
    fn begin_span(&mut self) {
        let Some(parent) = self.order.carried.trace.filter(|trace| trace.is_sampled() && self.span.is_none()) else {
            return;
        };
        let queued_at = SystemTime::now() - self.queued_at.elapsed();
        self.span = Some(spans::internal("commit order").parent(parent).since(queued_at).start());
    }

    fn context(&self) -> Option<TraceContext> {
        self.span.as_ref().and_then(Span::context)
    }

    fn fail(mut self, error: Error) {
        if let Some(span) = &mut self.span {
            span.fail(error.class(), &error);
        }
        let _ = self.reply.send(Err(error));
    }
}

/// The span of a transaction: of an order's own, or of one for all orders that share it.
fn transaction_span(batch: &[Pending]) -> Option<Span> {
    let mut recorded = batch.iter().filter_map(Pending::context).peekable();
    recorded.peek()?;
    let mut span = if batch.len() == 1 {
        spans::client("commit orders").parent(recorded.next())
    } else {
        spans::client("commit orders").for_all(recorded)
    }
    .start();
    span.set(db::SYSTEM_NAME, db::POSTGRESQL);
    span.set(db::OPERATION_BATCH_SIZE, batch.len() as i64);
    Some(span)
}

pub(super) struct Task {
    taker: Taker<Pending>,
    writer: Writer,
    relay: relay::Waker,
    patience: Duration,
}

impl Task {
    pub(super) fn new(
        queue: Arc<Queue<Pending>>,
        batching: Batching,
        patience: Duration,
        writer: Writer,
        relay: relay::Waker,
    ) -> Self {
        Self { taker: Taker::new(queue, batching), writer, relay, patience }
    }

    /// Commits until the queue is closed and empty.
    pub(super) async fn run(mut self) {
        let mut batch = Vec::new();
        while self.taker.take(&mut batch).await {
            // Whoever has gone away would never learn of the order.
            batch.retain(|pending: &Pending| !pending.reply.is_closed());
            let taken_at = Instant::now();
            for pending in &batch {
                METRICS.queue_wait.record(taken_at - pending.queued_at, pending.order.carried.trace);
            }
            self.commit(&mut batch, Attempt::First).await;
        }
    }

    /// Commits a batch, as often as it takes, and answers every order of it.
    async fn commit(&mut self, batch: &mut Vec<Pending>, mut attempt: Attempt) {
        let (mut failures, mut paused) = (0, Duration::ZERO);
        loop {
            self.give_up_late(batch);
            let Some(deadline) = batch.iter().map(|pending| pending.queued_at + self.patience).min() else { return };
            let began = Instant::now();
            batch.iter_mut().for_each(Pending::begin_span);
            let mut span = transaction_span(batch);
            let trace = span.as_ref().and_then(Span::context);
            let outcome = self.try_commit(batch, attempt, deadline, span.as_mut()).await;
            if let (Some(span), Err(failure)) = (&mut span, &outcome) {
                span.fail("database", failure);
            }
            drop(span);
            match outcome {
                Ok(Written { value: placements, position }) => {
                    self.relay.wake();
                    let transaction = Transaction { began, orders: batch.len(), position, failures, paused, trace };
                    for (pending, placement) in batch.drain(..).zip(placements) {
                        pending.answer(placement, &transaction);
                    }
                    return;
                }
                Err(Failure::Passing(reason)) => {
                    failures += 1;
                    attempt = Attempt::Again;
                    METRICS.commit_retries.add(1, &[]);
                    let pause = pause(failures);
                    in_scope(trace, || {
                        let orders = batch.len();
                        tracing::warn!(reason, orders, failures, ?pause, "commit failed; it is tried again");
                    });
                    sleep(pause).await;
                    paused += pause;
                }
                Err(Failure::Refused(error)) if batch.len() == 1 => {
                    in_scope(trace, || tracing::error!(%error, "the database refuses an order"));
                    batch.drain(..).for_each(|pending| pending.fail(Error::Refused));
                }
                Err(Failure::Refused(error)) => {
                    let orders = batch.len();
                    in_scope(trace, || tracing::warn!(%error, orders, "commit refused; each order is tried alone"));
                    return self.commit_alone(batch, attempt).await;
                }
            }
        }
    }

    /// Commits each order in a transaction of its own, so that the one that is refused is alone in that.
    async fn commit_alone(&mut self, batch: &mut Vec<Pending>, attempt: Attempt) {
        for pending in batch.drain(..) {
            Box::pin(self.commit(&mut vec![pending], attempt)).await;
        }
    }

    async fn try_commit(
        &mut self,
        batch: &[Pending],
        attempt: Attempt,
        deadline: Instant,
        span: Option<&mut Span>,
    ) -> Result<Written<Vec<Placement>>, Failure> {
        let began = Instant::now();
        let trace = span.as_ref().and_then(|span| span.context());
        let placements = timeout_at(deadline, self.writer.place(batch, attempt, span))
            .await
            .map_err(|_| Failure::Passing("no answer in time".to_owned()))?
            .map_err(Failure::from)?;
        METRICS.commit_duration.record(began.elapsed(), trace);
        METRICS.batch_size.record(batch.len() as u64, &[]);
        let stored = placements.value.iter().filter(|placement| **placement == Placement::Stored).count();
        METRICS.placed.add(stored as u64, &[]);
        Ok(placements)
    }

    /// Answers those that have waited too long.
    fn give_up_late(&self, batch: &mut Vec<Pending>) {
        let now = Instant::now();
        for late in batch.extract_if(.., |pending| now >= pending.queued_at + self.patience) {
            late.fail(Error::Unavailable);
        }
    }
}

/// The transaction that stored an order.
struct Transaction {
    began: Instant,
    orders: usize,
    /// Of those that it has stored.
    position: u64,
    /// Those before it.
    failures: u32,
    /// How long it was waited between them.
    paused: Duration,
    trace: Option<TraceContext>,
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}")]
    Passing(String),
    #[error(transparent)]
    Refused(store::Error),
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        if error.is_transient() { Self::Passing(error.to_string()) } else { Self::Refused(error) }
    }
}

//! A request that waits, and its spans.

use std::time::{Duration, SystemTime};

use contracts::consistency::Written;
use telemetry::{
    context::TraceContext,
    names::{db, shop, wait},
    spans::{self, Span},
};
use tokio::{sync::oneshot, time::Instant};

use super::Error;
use crate::domain::{Answer, DirectReservation};

/// A reservation that waits to be made, and who waits for it.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) wanted: DirectReservation,
    pub(super) trace: Option<TraceContext>,
    pub(super) reply: oneshot::Sender<Result<Written<Answer>, Error>>,
    pub(super) queued_at: Instant,
    pub(super) span: Option<Span>,
}

/// The transaction that decided.
pub(super) struct Transaction {
    pub(super) began: Instant,
    pub(super) requests: usize,
    /// Those before it that failed.
    pub(super) failures: u32,
    /// How long it was waited between them.
    pub(super) paused: Duration,
    pub(super) trace: Option<TraceContext>,
}

impl AsRef<DirectReservation> for Pending {
    fn as_ref(&self) -> &DirectReservation {
        &self.wanted
    }
}

impl Pending {
    pub(super) fn answer(mut self, answer: Written<Answer>, transaction: &Transaction) {
        if let Some(span) = &mut self.span {
            span.set(wait::COMMIT_QUEUE, transaction.began - self.queued_at);
            span.set(db::OPERATION_BATCH_SIZE, transaction.requests as i64);
            span.set(shop::ORDER_ID, &self.wanted.order_id().to_string());
            span.set(shop::OUTCOME, answer.value.name());
            if transaction.failures > 0 {
                span.set(wait::RETRY, transaction.paused);
                span.set(shop::RETRIES, i64::from(transaction.failures));
            }
            span.link(transaction.trace.filter(|_| transaction.requests > 1));
        }
        drop(self.span);
        // Nobody listens when the caller has gone; what is reserved expires then, or is found by its id.
        let _ = self.reply.send(Ok(answer));
    }

    pub(super) fn fail(mut self, error: Error) {
        if let Some(span) = &mut self.span {
            span.fail(error.class(), &error);
        }
        let _ = self.reply.send(Err(error));
    }

    /// Begins its span, where its trace is recorded: from its queueing to its answer.
    pub(super) fn begin_span(&mut self) {
        let Some(parent) = self.trace.filter(|trace| trace.is_sampled() && self.span.is_none()) else { return };
        let queued_at = SystemTime::now() - self.queued_at.elapsed();
        self.span = Some(spans::internal("reserve order").parent(parent).since(queued_at).start());
    }

    pub(super) fn context(&self) -> Option<TraceContext> {
        self.span.as_ref().and_then(Span::context)
    }
}

/// The span of a lock and its transaction: of a request's own, or of one for all that share it.
pub(super) fn transaction_span(batch: &[Pending]) -> Option<Span> {
    let mut recorded = batch.iter().filter_map(Pending::context).peekable();
    recorded.peek()?;
    let mut span = if batch.len() == 1 {
        spans::client("reserve orders").parent(recorded.next())
    } else {
        spans::client("reserve orders").for_all(recorded)
    }
    .start();
    span.set(db::SYSTEM_NAME, db::POSTGRESQL);
    span.set(db::OPERATION_BATCH_SIZE, batch.len() as i64);
    Some(span)
}

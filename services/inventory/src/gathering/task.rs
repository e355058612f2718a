//! One task that decides.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant as Clock},
};

use contracts::consistency::Written;
use service::{gather::Taker, pause};
use telemetry::{context::in_scope, spans::Span};
use tokio::time::{Instant, sleep, timeout_at};

use super::{
    Error,
    pending::{Pending, Transaction, transaction_span},
};
use crate::{
    domain::{Answer, DirectReservation},
    locking::Locking,
    metric_definitions::METRICS,
    store::{ChangeError, Store},
};

pub(super) struct Task {
    pub(super) taker: Taker<Pending>,
    pub(super) patience: Duration,
    pub(super) store: Store,
    pub(super) locking: Locking,
}

impl Task {
    /// Decides until the queue is closed and empty.
    pub(super) async fn run(mut self) {
        let mut batch = Vec::new();
        while self.taker.take(&mut batch).await {
            // Whoever has gone away would never learn of it.
            batch.retain(|pending: &Pending| !pending.reply.is_closed());
            let taken_at = Instant::now();
            for pending in &batch {
                METRICS.direct.queue_wait.record(taken_at - pending.queued_at, pending.trace);
            }
            self.decide(&mut batch).await;
        }
    }

    /// Decides a batch, as often as it takes, and answers every request of it.
    async fn decide(&self, batch: &mut Vec<Pending>) {
        let (mut failures, mut paused) = (0, Duration::ZERO);
        loop {
            self.give_up_late(batch);
            let Some(deadline) = batch.iter().map(|pending| pending.queued_at + self.patience).min() else { return };
            let began = Instant::now();
            batch.iter_mut().for_each(Pending::begin_span);
            let mut span = transaction_span(batch);
            let trace = span.as_ref().and_then(Span::context);
            // On the heap, as what it waits for is deep. No answer in time is one more failure: the late are given up next.
            let trying = timeout_at(deadline, Box::pin(self.reserve(batch, span.as_mut()))).await;
            let outcome = trying.unwrap_or(Err(Error::Late));
            if let (Some(span), Err(error)) = (&mut span, &outcome) {
                span.fail(error.class(), error);
            }
            drop(span);
            match outcome {
                Ok(answers) => {
                    METRICS.direct.answered(&answers);
                    let transaction = Transaction { began, requests: batch.len(), failures, paused, trace };
                    batch.drain(..).zip(answers).for_each(|(pending, answer)| pending.answer(answer, &transaction));
                    return;
                }
                Err(error) if passes(&error) => {
                    failures += 1;
                    METRICS.direct.retries.add(1, &[]);
                    let (pause, requests) = (pause(failures), batch.len());
                    in_scope(trace, || tracing::warn!(%error, requests, failures, ?pause, "not reserved; tried again"));
                    sleep(pause).await;
                    paused += pause;
                }
                Err(error) => {
                    batch.drain(..).for_each(|pending| pending.fail(error.clone()));
                    return;
                }
            }
        }
    }

    /// Takes one lock for all, and decides in one transaction.
    async fn reserve(&self, batch: &[Pending], span: Option<&mut Span>) -> Result<Vec<Written<Answer>>, Error> {
        let (trace, began) = (span.as_deref().and_then(Span::context), Clock::now());
        let lines = batch.iter().map(AsRef::as_ref).flat_map(DirectReservation::lines);
        let skus: BTreeSet<&str> = lines.map(|line| line.sku.as_str()).collect();
        let access = self.locking.lock(skus, trace).await.map_err(|error| Error::NotLocked(Arc::new(error)))?;
        let traces = batch.iter().filter_map(|pending| Some((pending.wanted.order_id(), pending.context()?))).collect();
        let answers = self.store.reserve(batch, &traces, &access, span).await;
        let answers = self.locking.noted(answers).map_err(|error| Error::NotChanged(Arc::new(error)))?;
        METRICS.direct.decided(batch.len(), began.elapsed(), trace);
        Ok(answers)
    }

    /// Answers those that have waited too long.
    fn give_up_late(&self, batch: &mut Vec<Pending>) {
        let now = Instant::now();
        for late in batch.extract_if(.., |pending| now >= pending.queued_at + self.patience) {
            late.fail(Error::Late);
        }
    }
}

/// Whether the same may work at once: nothing has happened, or what has is found by its id.
fn passes(error: &Error) -> bool {
    match error {
        Error::Late => true,
        Error::NotChanged(error) => match &**error {
            ChangeError::Overtaken { .. } | ChangeError::Lost(_) | ChangeError::IdTaken => true,
            ChangeError::Database(error) => error.is_transient(),
            ChangeError::Unguarded | ChangeError::Superseded => false,
        },
        Error::Full | Error::NotLocked(_) => false,
    }
}

//! What comes behind a batch while that is being taken.

use std::{fmt, future::pending, sync::Arc};

use super::{Batch, fetch::Fetcher, gathered::Taking, positions::Positions};
use crate::{
    Message, Topics,
    metric_definitions::METRICS,
    trace::{self, Spans},
};

/// What comes behind a batch while that is being taken, for whoever has to wait with some of it and would go on with what comes
/// next. What it gives belongs to the batch from then on: the transaction that takes the last of it moves the positions of all
/// ([`crate::inbox::joined`]), and where the batch is not taken all of it comes again, as one.
pub struct Feed<'a> {
    pub(super) taking: &'a mut Taking,
    pub(super) waiting: &'a mut Option<Vec<Message>>,
    pub(super) positions: &'a mut Positions,
    pub(super) fetcher: &'a Arc<Fetcher>,
    pub(super) topics: &'a Topics,
    pub(super) group: &'a str,
    pub(super) given: Vec<Arc<Batch>>,
}

impl fmt::Debug for Feed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").field("given", &self.given.len()).finish_non_exhaustive()
    }
}

impl Feed<'_> {
    /// The next messages, once there are some. May be dropped at any time: then what had come stays the next.
    pub async fn more(&mut self) -> Arc<Batch> {
        loop {
            let come = match self.waiting {
                Some(messages) => messages,
                None => match self.taking.next().await {
                    Some(messages) => self.waiting.insert(messages),
                    // Stopped.
                    None => pending().await,
                },
            };
            if self.positions.know(come, self.fetcher).await.is_err() {
                // The next batch is taken by itself, and finds out.
                pending::<()>().await;
            }
            let Some(mut messages) = self.waiting.take() else { continue };
            trace::skip(&self.positions.taken_already(&mut messages));
            if messages.is_empty() {
                continue;
            }
            let traces = Spans::begin(&messages, None, self.group);
            let batch = Arc::new(Batch::new(messages, self.topics, traces));
            METRICS.batch_size.record(batch.messages.len() as u64, &[]);
            self.given.push(batch.clone());
            return batch;
        }
    }
}

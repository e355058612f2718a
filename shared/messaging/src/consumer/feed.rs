//! What comes behind a batch while that is being taken.

use std::{fmt, future::pending, sync::Arc};

use contracts::Timestamp;
use tokio::sync::mpsc;

use super::{Batch, fetch::Fetcher, positions::Positions};
use crate::{
    Message, Topics,
    metric_definitions::METRICS,
    trace::{self, Spans, Try},
};

/// Messages as they came, before those already taken are left out.
pub(super) struct Fetched {
    pub(super) messages: Vec<Message>,
    pub(super) received_at: Timestamp,
}

/// What comes behind a batch while that is being taken, for whoever has to wait with some of it and would go on with what comes
/// next. What it gives belongs to the batch from then on: the transaction that takes the last of it moves the positions of all
/// ([`crate::inbox::joined`]), and where the batch is not taken all of it comes again, as one.
pub struct Feed<'a> {
    pub(super) receiver: &'a mut mpsc::Receiver<Fetched>,
    pub(super) waiting: &'a mut Option<Fetched>,
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
            let fetched = match self.waiting {
                Some(fetched) => fetched,
                None => match self.receiver.recv().await {
                    Some(fetched) => self.waiting.insert(fetched),
                    // Stopped.
                    None => pending().await,
                },
            };
            if self.positions.know(&fetched.messages, self.fetcher).await.is_err() {
                // The next batch is taken by itself, and finds out.
                pending::<()>().await;
            }
            let Some(Fetched { mut messages, received_at }) = self.waiting.take() else { continue };
            trace::skip(self.positions.taken_already(&mut messages).iter(), received_at);
            if messages.is_empty() {
                continue;
            }
            let traces = Spans::begin(&messages, Try { since: received_at, failures: 0 }, self.group);
            let batch = Arc::new(Batch::new(messages, received_at, self.topics, traces));
            METRICS.batch_size.record(batch.messages.len() as u64, &[]);
            self.given.push(batch.clone());
            return batch;
        }
    }
}

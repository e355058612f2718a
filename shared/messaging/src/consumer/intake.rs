//! From messages as they came to a batch that is to be taken.

use std::sync::Arc;

use super::{Batch, HandleError, fetch::Fetcher, positions::Positions};
use crate::{
    Message, Topics,
    metric_definitions::METRICS,
    trace::{self, Spans, Tried},
};

pub(super) struct Intake {
    pub(super) positions: Positions,
    pub(super) fetcher: Arc<Fetcher>,
    pub(super) topics: Topics,
    pub(super) group: String,
}

impl Intake {
    /// Finds out, for partitions met for the first time, where they are to be read on: before a batch is [begun](Self::begin).
    pub(super) async fn know(&mut self, messages: &[Message]) -> Result<(), HandleError> {
        self.positions.know(messages, &self.fetcher).await
    }

    /// A batch of those of these messages that are not known to be taken already; `None` where all are.
    pub(super) fn begin(&self, mut messages: Vec<Message>, tried: Option<Tried>) -> Option<Arc<Batch>> {
        trace::skip(&self.positions.taken_already(&mut messages));
        if messages.is_empty() {
            return None;
        }
        let traces = self.spans(&messages, tried);
        METRICS.batch_size.record(messages.len() as u64, &[]);
        Some(Arc::new(Batch::new(messages, &self.topics, traces)))
    }

    pub(super) fn spans(&self, messages: &[Message], tried: Option<Tried>) -> Spans {
        Spans::begin(messages, tried, &self.group)
    }

    /// Notes that a batch is taken.
    pub(super) fn taken(&mut self, batch: &Batch) {
        self.positions.taken(batch.spans());
        self.fetcher.store_offsets(batch.spans());
        self.fetcher.lag().taken(&batch.messages);
    }
}

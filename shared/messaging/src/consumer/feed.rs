//! What comes behind a batch while that is being taken.

use std::{fmt, future::pending, sync::Arc};

use super::{Batch, gathered::Taking, intake::Intake};
use crate::Message;

/// What comes behind a batch while that is being taken, for whoever has to wait with some of it and would go on with what comes
/// next. What it gives belongs to the batch from then on: the transaction that takes the last of it moves the positions of all
/// ([`crate::inbox::joined`]), and where the batch is not taken all of it comes again, as one.
pub struct Feed<'a> {
    pub(super) taking: &'a mut Taking,
    pub(super) waiting: &'a mut Option<Vec<Message>>,
    pub(super) intake: &'a mut Intake,
    pub(super) batches: Vec<Arc<Batch>>,
}

impl fmt::Debug for Feed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").field("batches", &self.batches.len()).finish_non_exhaustive()
    }
}

impl Feed<'_> {
    /// The batch, and behind it all that it gave, in their order.
    pub fn batches(&self) -> &[Arc<Batch>] {
        &self.batches
    }

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
            if self.intake.know(come).await.is_err() {
                // The next batch is taken by itself, and finds out.
                pending::<()>().await;
            }
            if let Some(batch) = self.waiting.take().and_then(|messages| self.intake.begin(messages, None)) {
                self.batches.push(batch.clone());
                return batch;
            }
        }
    }
}

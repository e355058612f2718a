//! What this consumer knows of the inbox: where each partition is to be read on.

use std::{collections::HashMap, sync::Arc};

use contracts::topics::Topic;
use sqlx::PgPool;

use super::{HandleError, fetch::Fetcher};
use crate::{Message, Topics, inbox};

pub(super) struct Positions {
    inbox: PgPool,
    topics: Topics,
    known: HashMap<(Topic, i32), i64>,
}

impl Positions {
    pub(super) fn new(inbox: PgPool, topics: Topics) -> Self {
        Self { inbox, topics, known: HashMap::new() }
    }

    /// Reads, for each partition met for the first time, where it is to be read on.
    pub(super) async fn know(&mut self, messages: &[Message], fetcher: &Arc<Fetcher>) -> Result<(), HandleError> {
        let mut last = None;
        for message in messages {
            let partition = (message.topic, message.partition);
            if last != Some(partition) && !self.known.contains_key(&partition) {
                self.learn(partition, fetcher).await?;
            }
            last = Some(partition);
        }
        Ok(())
    }

    async fn learn(&mut self, (topic, partition): (Topic, i32), fetcher: &Arc<Fetcher>) -> Result<(), HandleError> {
        let name = self.topics.name(topic);
        // Without the broker's word there is nothing to reconcile with; the guard in the transaction still holds.
        if let Some((low, end)) = fetcher.watermarks(&name, partition).await {
            inbox::reconcile(&self.inbox, &name, partition, low, end).await?;
        } else {
            inbox::reconcile(&self.inbox, &name, partition, 0, i64::MAX).await?;
        }
        for (stored, partition, next) in inbox::positions(&self.inbox, std::slice::from_ref(&name)).await? {
            if stored == name {
                self.known.insert((topic, partition), next);
            }
        }
        Ok(())
    }

    /// Moves what is known to be taken already out of `messages`, and answers it.
    pub(super) fn taken_already(&self, messages: &mut Vec<Message>) -> Vec<Message> {
        let is_taken = |message: &mut Message| {
            self.known.get(&(message.topic, message.partition)).is_some_and(|next| message.offset < *next)
        };
        messages.extract_if(.., is_taken).collect()
    }

    pub(super) fn taken(&mut self, spans: &[inbox::Span]) {
        for span in spans {
            self.known.insert((span.kind, span.partition), span.next);
        }
    }

    /// Forgets all: another consumer has moved positions.
    pub(super) fn forget(&mut self) {
        self.known.clear();
    }
}

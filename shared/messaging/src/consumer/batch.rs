//! A batch of messages, with its spans.

use std::{
    collections::BTreeMap,
    fmt::Display,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use contracts::topics::Topic;
use telemetry::{
    context::{Carried, TraceContext},
    spans::Span,
};

use crate::{Message, Topics, inbox, trace::Spans};

/// Messages to be taken in one transaction, in order within each partition.
#[derive(Debug)]
pub struct Batch {
    /// The messages, without any that another transaction has taken.
    pub messages: Vec<Message>,
    spans: Vec<inbox::Span>,
    /// Whether there are any of the traces below: most often there are none, and nobody need look.
    recorded: bool,
    traces: Mutex<Spans>,
}

impl Batch {
    /// The positions to move with [`inbox::advance`], in the transaction of the effects.
    pub fn spans(&self) -> &[inbox::Span] {
        &self.spans
    }

    /// What is done once for the whole batch belongs under this; `None` where no message's trace is recorded.
    pub fn trace(&self) -> Option<TraceContext> {
        self.recorded.then(|| self.traces().of_batch())?
    }

    /// What is done for the message of this index belongs under this.
    pub fn trace_of(&self, index: usize) -> Option<TraceContext> {
        let recorded = self.recorded.then(|| self.traces().of(index).and_then(Span::context)).flatten();
        recorded.or_else(|| self.messages.get(index).and_then(|message| message.trace))
    }

    /// What goes along with what is published for the message of this index.
    pub fn carried(&self, index: usize) -> Carried {
        let baggage = self.messages.get(index).and_then(|message| message.baggage.clone());
        Carried { trace: self.trace_of(index), baggage }
    }

    /// Has something set on the span of the message of this index, where its trace is recorded.
    pub fn note(&self, index: usize, note: impl FnOnce(&mut Span)) {
        if self.recorded
            && let Some(span) = self.traces().of_mut(index)
        {
            note(span);
        }
    }

    /// Ends the span of the message of this index, whose effects stand, before the batch's other ones.
    pub fn end(&self, index: usize) {
        if self.recorded {
            self.traces().end(index);
        }
    }

    /// Its messages, each with its place in the batch.
    pub fn items(self: &Arc<Self>) -> impl Iterator<Item = Item> {
        (0..self.messages.len()).map(|index| Item { batch: self.clone(), index })
    }

    pub(super) fn fail(&self, class: &'static str, fault: &dyn Display) {
        self.traces().fail(class, fault);
    }

    fn traces(&self) -> MutexGuard<'_, Spans> {
        // Whatever a panicking handler left is dropped with the batch.
        self.traces.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn new(messages: Vec<Message>, topics: &Topics, traces: Spans) -> Self {
        let mut spans: BTreeMap<(Topic, i32), (i64, i64)> = BTreeMap::new();
        for message in &messages {
            let next = message.offset + 1;
            spans.entry((message.topic, message.partition)).or_insert((message.offset, next)).1 = next;
        }
        let spans = spans
            .into_iter()
            .map(|((kind, partition), (first, next))| inbox::Span {
                topic: topics.name(kind),
                kind,
                partition,
                first,
                next,
            })
            .collect();
        Self { messages, spans, recorded: !traces.is_empty(), traces: Mutex::new(traces) }
    }
}

/// A message in its place in a batch. Clones are the same.
#[derive(Debug, Clone)]
pub struct Item {
    batch: Arc<Batch>,
    index: usize,
}

impl Item {
    /// The message.
    pub fn message(&self) -> &Message {
        &self.batch.messages[self.index]
    }

    /// See [`Batch::trace_of`].
    pub fn trace(&self) -> Option<TraceContext> {
        self.batch.trace_of(self.index)
    }

    /// See [`Batch::carried`].
    pub fn carried(&self) -> Carried {
        self.batch.carried(self.index)
    }

    /// See [`Batch::note`].
    pub fn note(&self, note: impl FnOnce(&mut Span)) {
        self.batch.note(self.index, note);
    }

    /// See [`Batch::end`].
    pub fn end(&self) {
        self.batch.end(self.index);
    }
}

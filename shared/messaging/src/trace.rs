//! Spans of messages, by OpenTelemetry's conventions for messaging: sent, processed, and processed together.
//!
//! A message's own spans hang below what it was written for, so that one trace tells one order's way. What is done once
//! for many messages has a span of a trace of its own, linked to each of them, and each of theirs is linked to it.

use std::{
    borrow::Cow,
    time::{Duration, SystemTime},
};

use contracts::{Timestamp, topics::Topic};
use telemetry::{
    context::TraceContext,
    names::{messaging, shop, wait},
    spans::{self, Span},
};

use crate::Message;

/// The span of sending a message, which ends when Kafka has it; `outbox` is how long it has waited there.
pub(crate) fn send(topic: Topic, key: &str, parent: TraceContext, outbox: Duration) -> Span {
    let name = match topic {
        Topic::Orders => "send orders.v1",
        Topic::Stock => "send stock.v1",
        Topic::Catalog => "send catalog.v1",
    };
    sending(name, topic, key, parent, outbox)
}

/// The same for a message that could not be processed.
pub(crate) fn send_dead_letter(topic: Topic, key: &str, parent: TraceContext, outbox: Duration) -> Span {
    let name = match topic {
        Topic::Orders => "send orders.v1.dlq",
        Topic::Stock => "send stock.v1.dlq",
        Topic::Catalog => "send catalog.v1.dlq",
    };
    sending(name, topic, key, parent, outbox)
}

fn sending(name: &'static str, topic: Topic, key: &str, parent: TraceContext, outbox: Duration) -> Span {
    let mut span = spans::producer(name).parent(parent).start();
    if span.is_recording() {
        of_kafka(&mut span, topic, "send");
        span.set(messaging::KAFKA_MESSAGE_KEY, key);
        span.set(wait::OUTBOX, outbox);
    }
    span
}

/// The span of processing a message, from when it came to when its effects stand. `None` where its trace isn't recorded.
pub fn process(message: &Message, received_at: Timestamp) -> Option<Span> {
    let mut span = processing(message, received_at)?;
    span.set(wait::BROKER, duration(received_at.micros_since(message.timestamp)));
    Some(span)
}

/// Tells of messages that came again and had been taken before, as after the end of a consumer that could not say so any
/// more.
pub(crate) fn skip<'a>(messages: impl IntoIterator<Item = &'a Message>) {
    for mut span in messages.into_iter().filter_map(|message| process(message, message.received_at)) {
        span.set(shop::OUTCOME, "skipped");
    }
}

fn processing(message: &Message, since: Timestamp) -> Option<Span> {
    let parent = message.trace.filter(|trace| trace.is_sampled())?;
    let name = match message.topic {
        Topic::Orders => "process orders.v1",
        Topic::Stock => "process stock.v1",
        Topic::Catalog => "process catalog.v1",
    };
    let mut span = spans::consumer(name).parent(parent).since(system_time(since)).start();
    if span.is_recording() {
        of_kafka(&mut span, message.topic, "process");
        span.set(messaging::DESTINATION_PARTITION_ID, &partition(message.partition));
        span.set(messaging::KAFKA_OFFSET, message.offset);
        span.tell(message.baggage.as_ref());
        if message.topic != Topic::Catalog {
            span.set(shop::ORDER_ID, &message.key);
        }
    }
    Some(span)
}

fn of_kafka(span: &mut Span, topic: Topic, operation: &str) {
    span.set(messaging::SYSTEM, messaging::KAFKA);
    span.set(messaging::OPERATION_NAME, operation);
    span.set(messaging::OPERATION_TYPE, operation);
    span.set(messaging::DESTINATION_NAME, topic.name());
}

/// What was tried before to take a batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tried {
    /// When the last try failed.
    pub(crate) until: Timestamp,
    /// How many tries have failed.
    pub(crate) failures: u32,
}

/// Spans of a batch: of each message whose trace is recorded, and one of the whole.
#[derive(Debug, Default)]
pub(crate) struct Spans {
    /// As many as messages, or none at all.
    of_messages: Vec<Option<Span>>,
    of_batch: Option<Span>,
}

impl Spans {
    /// Begins them when the messages came, or, of another try, when the one before it had failed.
    pub(crate) fn begin(messages: &[Message], tried: Option<Tried>, group: &str) -> Self {
        if !messages.iter().any(|message| message.trace.is_some_and(TraceContext::is_sampled)) {
            return Self::default();
        }
        let mut of_messages: Vec<_> = messages
            .iter()
            .map(|message| match tried {
                None => process(message, message.received_at),
                Some(Tried { until, .. }) => processing(message, until),
            })
            .collect();
        let contexts = of_messages.iter().flatten().filter_map(Span::context);
        // A single message's own span does for the batch.
        let of_batch = (messages.len() > 1).then(|| {
            let topic = messages[0].topic;
            let name = match topic {
                Topic::Orders => "batch orders.v1",
                Topic::Stock => "batch stock.v1",
                Topic::Catalog => "batch catalog.v1",
            };
            let mut span = spans::internal(name).for_all(contexts).start();
            of_kafka(&mut span, topic, "process");
            span.set(messaging::CONSUMER_GROUP_NAME, group);
            span.set(messaging::BATCH_MESSAGE_COUNT, messages.len() as i64);
            span
        });
        let now = Timestamp::now();
        let link = of_batch.as_ref().and_then(Span::context);
        for (span, message) in of_messages.iter_mut().zip(messages) {
            let Some(span) = span else { continue };
            span.set(messaging::BATCH_MESSAGE_COUNT, messages.len() as i64);
            if let Some(Tried { until, failures }) = tried {
                span.set(wait::RETRY, duration(now.micros_since(until)));
                span.set(shop::RETRIES, i64::from(failures));
            } else {
                span.set(wait::BATCH, duration(now.micros_since(message.received_at)));
            }
            span.link(link);
        }
        Self { of_messages, of_batch }
    }

    /// Whether no message's trace is recorded.
    pub(crate) fn is_empty(&self) -> bool {
        self.of_messages.is_empty()
    }

    /// What is done for the whole batch belongs under this.
    pub(crate) fn of_batch(&self) -> Option<TraceContext> {
        let span = self.of_batch.as_ref().or_else(|| self.of_messages.first().and_then(Option::as_ref));
        span.and_then(Span::context)
    }

    pub(crate) fn of(&self, index: usize) -> Option<&Span> {
        self.of_messages.get(index).and_then(Option::as_ref)
    }

    pub(crate) fn of_mut(&mut self, index: usize) -> Option<&mut Span> {
        self.of_messages.get_mut(index).and_then(Option::as_mut)
    }

    pub(crate) fn end(&mut self, index: usize) {
        self.of_messages.get_mut(index).and_then(Option::take);
    }

    /// None of it took effect.
    pub(crate) fn fail(&mut self, class: &'static str, fault: &dyn std::fmt::Display) {
        self.of_messages.iter_mut().flatten().chain(&mut self.of_batch).for_each(|span| span.fail(class, fault));
    }
}

/// Never negative: two machines' clocks may differ.
pub(crate) fn duration(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

fn system_time(at: Timestamp) -> SystemTime {
    SystemTime::UNIX_EPOCH + duration(at.unix_micros())
}

/// A partition is told as text, and nearly all are small.
fn partition(number: i32) -> Cow<'static, str> {
    const SMALL: [&str; 12] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"];
    let small = usize::try_from(number).ok().and_then(|number| SMALL.get(number));
    small.map_or_else(|| number.to_string().into(), |text| (*text).into())
}

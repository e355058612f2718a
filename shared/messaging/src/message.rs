//! A message as it comes from Kafka.

use contracts::{Timestamp, event::Event, topics::Topic};
use rdkafka::message::{BorrowedHeaders, BorrowedMessage, Headers, Message as _, OwnedHeaders};
use telemetry::{
    baggage::{BAGGAGE, Baggage},
    context::{TRACEPARENT, TraceContext},
};

/// Why a message can't be processed, ever.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The headers lack the CloudEvents `type`.
    #[error("the header ce_type is missing: not a CloudEvent in binary mode")]
    NoType,
    /// The consumer knows no such type on this topic.
    #[error("unknown event type {event_type:?}")]
    UnknownType {
        /// What the header holds.
        event_type: String,
    },
    /// The value does not fit the type.
    #[error("the value is not a {event_type}: {fault}")]
    Value {
        /// The type it should be of.
        event_type: &'static str,
        /// What is wrong, and where.
        fault: String,
    },
}

/// A message of one of our topics: an event in CloudEvents' Kafka binding, binary mode.
#[derive(Debug, Clone)]
pub struct Message {
    /// Which topic it stands on.
    pub topic: Topic,
    /// In which partition.
    pub partition: i32,
    /// At which offset.
    pub offset: i64,
    /// Its key as UTF-8, or what of it can be read so.
    pub key: String,
    /// CloudEvents `type`; `None` where the header is missing.
    pub event_type: Option<String>,
    /// When it was handed to Kafka (`CreateTime`), or now where the message has no time.
    pub timestamp: Timestamp,
    /// When it came from Kafka.
    pub received_at: Timestamp,
    /// The trace it belongs to.
    pub trace: Option<TraceContext>,
    /// What its cause's caller has it carry.
    pub baggage: Option<Baggage>,
    /// The value.
    pub payload: Vec<u8>,
    headers: Option<OwnedHeaders>,
}

impl Message {
    pub(crate) fn from_kafka(topic: Topic, message: &BorrowedMessage<'_>) -> Self {
        let mut event_type = None;
        let (mut trace, mut baggage) = (None, None);
        for header in message.headers().into_iter().flat_map(|headers| headers.iter()) {
            match (header.key, header.value.map(std::str::from_utf8)) {
                ("ce_type", Some(Ok(value))) => event_type = Some(value.to_owned()),
                (TRACEPARENT, Some(Ok(value))) => trace = value.parse().ok(),
                (BAGGAGE, Some(Ok(value))) => baggage = Baggage::read([value.as_bytes()]),
                _ => {}
            }
        }
        Self {
            topic,
            partition: message.partition(),
            offset: message.offset(),
            key: String::from_utf8_lossy(message.key().unwrap_or_default()).into_owned(),
            event_type,
            timestamp: message
                .timestamp()
                .to_millis()
                .and_then(Timestamp::from_unix_millis)
                .unwrap_or_else(Timestamp::now),
            received_at: Timestamp::now(),
            trace,
            baggage,
            payload: message.payload().unwrap_or_default().to_vec(),
            // A dead letter takes them along, and only its handler knows whether it will be one.
            headers: message.headers().map(BorrowedHeaders::detach),
        }
    }

    /// One that says nothing, for tests of what is done with messages whatever they say.
    #[cfg(test)]
    pub(crate) fn bare(topic: Topic, partition: i32, offset: i64, received_at: Timestamp) -> Self {
        Self {
            topic,
            partition,
            offset,
            key: String::new(),
            event_type: None,
            timestamp: received_at,
            received_at,
            trace: None,
            baggage: None,
            payload: Vec::new(),
            headers: None,
        }
    }

    /// Whether it is an event of type `E`.
    pub fn is<E: Event>(&self) -> bool {
        self.event_type.as_deref() == Some(E::TYPE)
    }

    /// CloudEvents `id`: the same however often a relay has sent the event. `None` where the header is missing.
    pub fn event_id(&self) -> Option<&str> {
        let mut headers = self.headers.iter().flat_map(OwnedHeaders::iter);
        headers.find(|header| header.key == "ce_id").and_then(|header| std::str::from_utf8(header.value?).ok())
    }

    /// The body of an event of type `E`.
    ///
    /// # Errors
    /// [`Broken`] where the value isn't JSON or does not fit `E`.
    pub fn decode<E: Event>(&self) -> Result<E, Broken> {
        serde_json::from_slice(&self.payload)
            .map_err(|fault| Broken::Value { event_type: E::TYPE, fault: fault.to_string() })
    }

    /// The fault of a message that is none of the types its consumer knows.
    pub fn unknown_type(&self) -> Broken {
        match &self.event_type {
            Some(event_type) => Broken::UnknownType { event_type: event_type.clone() },
            None => Broken::NoType,
        }
    }

    /// The headers that go with it into a dead letter; the trace goes on from `below`.
    pub(crate) fn headers_for_dead_letter(&self, below: Option<TraceContext>) -> Vec<(String, Vec<u8>)> {
        let headers = self.headers.iter().flat_map(OwnedHeaders::iter);
        let headers = headers.filter(|header| below.is_none() || header.key != TRACEPARENT);
        let headers = headers.map(|header| (header.key.to_owned(), header.value.unwrap_or_default().to_vec()));
        headers.chain(below.map(|trace| (TRACEPARENT.to_owned(), trace.to_header().as_bytes().to_vec()))).collect()
    }
}

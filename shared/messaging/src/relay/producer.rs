//! Sending a frame's messages, and learning when Kafka has all of them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use contracts::topics::Topic;
use rdkafka::{
    ClientConfig, ClientContext, Message as _,
    error::{KafkaError, RDKafkaErrorCode},
    message::{DeliveryResult, Header, OwnedHeaders},
    producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer},
};
use telemetry::{context::in_scope, names, spans::Span};
use tokio::sync::mpsc;

use super::Config;
use crate::{Topics, outbox::Outgoing, trace};

/// What became of a frame.
#[derive(Debug)]
pub(super) struct Delivered {
    pub(super) id: i64,
    pub(super) failed: bool,
}

/// A frame on its way: counts its messages down.
#[derive(Debug)]
pub(super) struct InFlight {
    id: i64,
    left: AtomicU32,
    failed: AtomicBool,
}

/// A message on its way: the frame it is of, and its span, where its trace is recorded, which ends when Kafka has it.
#[derive(Debug)]
pub(super) struct Sending {
    frame: Arc<InFlight>,
    span: Option<Span>,
}

struct Acknowledgements {
    delivered: mpsc::UnboundedSender<Delivered>,
}

impl ClientContext for Acknowledgements {}

impl ProducerContext for Acknowledgements {
    type DeliveryOpaque = Box<Sending>;

    fn delivery(&self, result: &DeliveryResult<'_>, sending: Box<Sending>) {
        let Sending { frame, span } = *sending;
        if let Err((error, message)) = result {
            let trace = span.as_ref().and_then(Span::context);
            in_scope(trace, || tracing::error!(%error, topic = message.topic(), "Kafka did not take a message"));
            frame.failed.store(true, Ordering::Relaxed);
        }
        if let Some(mut span) = span {
            match result {
                Ok(message) => span.set(names::messaging::KAFKA_OFFSET, message.offset()),
                Err((error, _)) => span.fail("kafka", error),
            }
        }
        frame.finish(1, &self.delivered);
    }
}

impl InFlight {
    fn finish(&self, messages: u32, delivered: &mpsc::UnboundedSender<Delivered>) {
        if self.left.fetch_sub(messages, Ordering::AcqRel) == messages {
            // The session that sent it may be over; then nobody waits for it.
            let _ = delivered.send(Delivered { id: self.id, failed: self.failed.load(Ordering::Acquire) });
        }
    }
}

/// A producer that keeps the order of what it is given, whatever it must send again: idempotent, acks=all, and a
/// message never times out, since a later one must not overtake it.
pub(super) struct Producer {
    inner: ThreadedProducer<Acknowledgements>,
    topics: Vec<(Topic, String, String)>,
}

impl Producer {
    pub(super) fn new(config: &Config, delivered: mpsc::UnboundedSender<Delivered>) -> Result<Self, KafkaError> {
        let inner = ClientConfig::new()
            .set("bootstrap.servers", &config.bootstrap)
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("message.timeout.ms", "0")
            .set("linger.ms", config.linger.as_millis().to_string())
            .set("batch.num.messages", "10000")
            .set("batch.size", "1000000")
            .set("message.max.bytes", "4000000")
            .set("queue.buffering.max.messages", "100000")
            .set("queue.buffering.max.kbytes", "32768")
            .set("reconnect.backoff.ms", "50")
            .set("reconnect.backoff.max.ms", "1000")
            .set("topic.metadata.refresh.interval.ms", "60000")
            .set("partitioner", "murmur2_random")
            .create_with_context(Acknowledgements { delivered })?;
        let topics = Topic::ALL.into_iter().map(|t| named(t, &config.topics)).collect();
        Ok(Self { inner, topics })
    }

    /// Hands a frame's messages over, in order; [`Delivered`] follows when Kafka has answered for all of them.
    ///
    /// `dwell` is how long the frame has waited in the outbox.
    pub(super) async fn send(&self, id: i64, messages: &[Outgoing<'_>], dwell: Duration) -> Result<(), KafkaError> {
        let left = messages.len() as u32;
        let frame = Arc::new(InFlight { id, left: AtomicU32::new(left), failed: AtomicBool::new(false) });
        if messages.is_empty() {
            let _ = self.inner.context().delivered.send(Delivered { id, failed: false });
        }
        for message in messages {
            self.send_one(message, &frame, dwell).await?;
        }
        Ok(())
    }

    async fn send_one(&self, message: &Outgoing<'_>, frame: &Arc<InFlight>, dwell: Duration) -> Result<(), KafkaError> {
        let mut record = self.record(message, frame.clone(), dwell);
        loop {
            match self.inner.send(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), refused)) => {
                    record = refused;
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
                Err((error, _)) => return Err(error),
            }
        }
    }

    fn record<'a>(
        &'a self,
        message: &'a Outgoing<'_>,
        frame: Arc<InFlight>,
        dwell: Duration,
    ) -> BaseRecord<'a, str, [u8], Box<Sending>> {
        match message {
            Outgoing::Event { topic, key, id, event_type, source, time, trace, payload } => {
                let id = id.to_string();
                let time = time.to_string();
                let mut headers = OwnedHeaders::new_with_capacity(7);
                for (name, value) in [
                    ("ce_specversion", "1.0"),
                    ("ce_id", &*id),
                    ("ce_source", source),
                    ("ce_type", event_type),
                    ("ce_time", &*time),
                    ("content-type", "application/json"),
                ] {
                    headers = headers.insert(Header { key: name, value: Some(value) });
                }
                let (_, name, _) = self.topic(*topic);
                let mut span = None;
                if let Some(trace) = trace {
                    let sent = trace::send(*topic, key, *trace, dwell);
                    let header = sent.context().unwrap_or(*trace).to_header();
                    headers = headers.insert(Header { key: "traceparent", value: Some(header.as_bytes()) });
                    span = Some(sent).filter(Span::is_recording);
                }
                BaseRecord::with_opaque_to(name, Box::new(Sending { frame, span }))
                    .key(&**key)
                    .payload(&**payload)
                    .headers(headers)
            }
            Outgoing::DeadLetter { topic, key, headers, payload } => {
                let kept =
                    headers.iter().fold(OwnedHeaders::new_with_capacity(headers.len()), |kept, (name, value)| {
                        kept.insert(Header { key: name, value: Some(value) })
                    });
                let (_, _, dead_letters) = self.topic(*topic);
                BaseRecord::with_opaque_to(dead_letters, Box::new(Sending { frame, span: None }))
                    .key(&**key)
                    .payload(&**payload)
                    .headers(kept)
            }
        }
    }

    fn topic(&self, topic: Topic) -> &(Topic, String, String) {
        self.topics.iter().find(|(known, ..)| *known == topic).expect("every topic was named when it was made")
    }

    /// Whether the producer can never send again (a fatal error of the idempotent protocol).
    pub(super) fn fatal(&self) -> Option<String> {
        self.inner.client().fatal_error().map(|(_, reason)| reason)
    }
}

fn named(topic: Topic, topics: &Topics) -> (Topic, String, String) {
    (topic, topics.name(topic), topics.dead_letter_name(topic))
}

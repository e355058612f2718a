//! Gathering batches from Kafka, on a thread of its own: librdkafka's polling blocks.

use std::{sync::Arc, thread, time::Duration};

use rdkafka::{
    ClientConfig, Message as _, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
};
use tokio_util::sync::CancellationToken;

use super::{
    Batching, Config,
    gathered::Gathered,
    lag::{Known, TOLD_EVERY, Told},
};
use crate::{Message, Topics, inbox};

const POLL: Duration = Duration::from_millis(100);
const ASK: Duration = Duration::from_secs(5);

pub(super) struct Fetcher {
    consumer: BaseConsumer<Told>,
    topics: Topics,
}

impl Fetcher {
    pub(super) fn new(config: &Config) -> Result<Self, KafkaError> {
        let told = Told(Known::new(&config.group, &config.topics));
        let consumer: BaseConsumer<Told> = ClientConfig::new()
            .set("bootstrap.servers", &config.bootstrap)
            .set("group.id", config.topics.group(&config.group))
            .set("enable.auto.commit", "true")
            .set("auto.commit.interval.ms", "1000")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "earliest")
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("session.timeout.ms", config.session_timeout.as_millis().to_string())
            .set("heartbeat.interval.ms", (config.session_timeout.as_millis() / 4).to_string())
            // A batch may wait as long as its database is away; a dead process is known by its heartbeats.
            .set("max.poll.interval.ms", "3600000")
            .set("fetch.wait.max.ms", config.fetch_wait.as_millis().to_string())
            // A message is answered with at once. Batches fill here, see `gather`: having the broker wait for more as well
            // would have it look again a hundred times a second where nothing comes.
            .set("fetch.min.bytes", "1")
            .set("fetch.queue.backoff.ms", "10")
            .set("queued.min.messages", "5000")
            .set("queued.max.messages.kbytes", "8192")
            .set("reconnect.backoff.ms", "50")
            .set("reconnect.backoff.max.ms", "1000")
            .set("statistics.interval.ms", TOLD_EVERY)
            .create_with_context(told)?;
        let names: Vec<String> = config.subscribed.iter().map(|topic| config.topics.name(*topic)).collect();
        consumer.subscribe(&names.iter().map(String::as_str).collect::<Vec<_>>())?;
        Ok(Self { consumer, topics: config.topics.clone() })
    }

    /// How far this consumer is behind.
    pub(super) fn lag(&self) -> &Known {
        &self.consumer.context().0
    }

    /// Gathers messages until `stopped`, or until nobody takes them.
    pub(super) fn spawn(
        self: Arc<Self>,
        batching: &Batching,
        gathered: Arc<Gathered>,
        stopped: CancellationToken,
    ) -> thread::JoinHandle<()> {
        let most = batching.max.clone();
        thread::Builder::new()
            .name("kafka-fetch".to_owned())
            .stack_size(256 * 1024)
            .spawn(move || {
                while !stopped.is_cancelled() {
                    match self.consumer.poll(POLL) {
                        Some(Ok(message)) => {
                            if let Some(topic) = self.topics.parse(message.topic())
                                && !gathered.put(Message::from_kafka(topic, &message), most.count())
                            {
                                break;
                            }
                        }
                        Some(Err(error)) => tracing::debug!(%error, "Kafka consumer"),
                        None if gathered.is_left() => break,
                        None => {}
                    }
                }
                gathered.close();
                self.leave();
            })
            .expect("a thread can be started: the process has just begun and has a handful of them")
    }

    /// Commits what was stored and leaves the group, so that others have the partitions at once.
    fn leave(&self) {
        if let Err(error) = self.consumer.commit_consumer_state(rdkafka::consumer::CommitMode::Sync) {
            tracing::debug!(%error, "no offsets to commit");
        }
        self.consumer.unsubscribe();
    }

    /// Has the offsets committed with the next interval. They only save reading again: the inbox decides.
    pub(super) fn store_offsets(&self, spans: &[inbox::Span]) {
        let mut offsets = TopicPartitionList::with_capacity(spans.len());
        for span in spans {
            let added = offsets.add_partition_offset(&span.topic, span.partition, Offset::Offset(span.next));
            debug_assert!(added.is_ok(), "offsets of messages are valid offsets");
        }
        if let Err(error) = self.consumer.store_offsets(&offsets) {
            // The partition went to another consumer meanwhile.
            tracing::debug!(%error, "offsets not stored");
        }
    }

    /// The partition's first offset and its end, or `None` when the broker does not answer.
    pub(super) async fn watermarks(self: &Arc<Self>, topic: &str, partition: i32) -> Option<(i64, i64)> {
        let (fetcher, topic) = (self.clone(), topic.to_owned());
        tokio::task::spawn_blocking(move || fetcher.consumer.fetch_watermarks(&topic, partition, ASK).ok())
            .await
            .ok()
            .flatten()
    }
}

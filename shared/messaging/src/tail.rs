//! Reading a topic from its beginning, or its last messages, without a group: for what is kept in memory.

use std::{collections::HashMap, thread, time::Duration};

use contracts::topics::Topic;
use rdkafka::{
    ClientConfig, Message as _, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{Message, Topics, relay::backoff};

const ASK: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(100);

/// Where to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// At the first message there is.
    Earliest,
    /// At most this many messages before the end of each partition.
    Last(i64),
}

/// What a tail needs.
#[derive(Debug, Clone)]
pub struct Config {
    /// Kafka's addresses, `host:port`, several separated by commas.
    pub bootstrap: String,
    /// Topic names.
    pub topics: Topics,
    /// What to read.
    pub topic: Topic,
    /// From where.
    pub start: Start,
}

/// A running tail.
#[derive(Debug)]
pub struct Handle {
    stop: CancellationToken,
    caught_up: watch::Receiver<bool>,
    reading: thread::JoinHandle<()>,
}

impl Handle {
    /// Waits until everything that stood in the topic when the tail began has been given; at once if it has been.
    pub async fn caught_up(&self) {
        // The sender lives as long as the reading thread, which ends only by `stop`.
        let _ = self.caught_up.clone().wait_for(|caught_up| *caught_up).await;
    }

    /// Follows whether it has caught up.
    pub fn watch_caught_up(&self) -> watch::Receiver<bool> {
        self.caught_up.clone()
    }

    /// Ends the reading.
    pub async fn stop(self) {
        self.stop.cancel();
        let _ = tokio::task::spawn_blocking(|| self.reading.join()).await;
    }
}

/// Starts a tail that gives every message, in order within a partition, to `take`, on a thread of its own. It keeps
/// reading through losses of Kafka until it is stopped.
///
/// # Errors
/// When the Kafka client refuses its settings.
pub fn start(config: Config, take: impl FnMut(Message) + Send + 'static) -> Result<Handle, KafkaError> {
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    let (reached, caught_up) = watch::channel(false);
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", &config.bootstrap)
        // Assigning needs a group's name, though no offset is ever committed to it.
        .set("group.id", config.topics.group("tail"))
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "earliest")
        // Nobody waits for what is kept in memory: while messages keep coming they are fetched together.
        .set("fetch.wait.max.ms", "50")
        .set("fetch.min.bytes", "65536")
        .set("queued.min.messages", "5000")
        .set("queued.max.messages.kbytes", "8192")
        .set("reconnect.backoff.ms", "50")
        .set("reconnect.backoff.max.ms", "1000")
        .create()?;
    let reading = thread::Builder::new()
        .name("kafka-tail".to_owned())
        .stack_size(256 * 1024)
        .spawn(move || {
            let mut reader = Reader { name: config.topics.name(config.topic), config, consumer, stopped };
            if let Some(ends) = reader.assign() {
                reader.read(ends, &reached, take);
            }
        })
        .expect("a thread can be started: the process has just begun and has a handful of them");
    Ok(Handle { stop, caught_up, reading })
}

struct Reader {
    config: Config,
    name: String,
    consumer: BaseConsumer,
    stopped: CancellationToken,
}

impl Reader {
    fn is_stopped(&self) -> bool {
        self.stopped.is_cancelled()
    }

    /// Finds the partitions and takes them all, however long the broker is away; answers each one's end.
    fn assign(&mut self) -> Option<HashMap<i32, i64>> {
        let mut failures = 0;
        while !self.is_stopped() {
            match self.try_assign() {
                Ok(ends) => return Some(ends),
                Err(error) => {
                    failures += 1;
                    tracing::debug!(%error, topic = self.name, "topic can't be read yet");
                    thread::sleep(backoff(failures));
                }
            }
        }
        None
    }

    fn try_assign(&mut self) -> Result<HashMap<i32, i64>, KafkaError> {
        let metadata = self.consumer.fetch_metadata(Some(&self.name), ASK)?;
        let partitions = metadata.topics().iter().find(|topic| topic.name() == self.name).map(|t| t.partitions());
        let partitions = partitions
            .filter(|partitions| !partitions.is_empty())
            .ok_or(KafkaError::MetadataFetch(rdkafka::error::RDKafkaErrorCode::UnknownTopicOrPartition))?;
        let mut assignment = TopicPartitionList::new();
        let mut ends = HashMap::new();
        for partition in partitions {
            let (low, end) = self.consumer.fetch_watermarks(&self.name, partition.id(), ASK)?;
            let first = match self.config.start {
                Start::Earliest => low,
                Start::Last(count) => low.max(end - count),
            };
            assignment.add_partition_offset(&self.name, partition.id(), Offset::Offset(first))?;
            if first < end {
                ends.insert(partition.id(), end);
            }
        }
        self.consumer.assign(&assignment)?;
        Ok(ends)
    }

    fn read(&self, mut ends: HashMap<i32, i64>, reached: &watch::Sender<bool>, mut take: impl FnMut(Message)) {
        reached.send_replace(ends.is_empty());
        while !self.is_stopped() {
            match self.consumer.poll(POLL) {
                Some(Ok(message)) => {
                    take(Message::from_kafka(self.config.topic, &message));
                    if ends.get(&message.partition()).is_some_and(|end| message.offset() + 1 >= *end) {
                        ends.remove(&message.partition());
                    }
                }
                Some(Err(error)) => tracing::debug!(%error, topic = self.name, "Kafka tail"),
                None => self.drop_reached(&mut ends),
            }
            if ends.is_empty() && !*reached.borrow() {
                reached.send_replace(true);
            }
        }
    }

    /// A compacted partition, or one with transaction markers, can end in offsets that hold no message: there the
    /// consumer's own position tells that the end is reached.
    fn drop_reached(&self, ends: &mut HashMap<i32, i64>) {
        if ends.is_empty() {
            return;
        }
        if let Ok(positions) = self.consumer.position() {
            for at in positions.elements() {
                if let Offset::Offset(next) = at.offset()
                    && ends.get(&at.partition()).is_some_and(|end| next >= *end)
                {
                    ends.remove(&at.partition());
                }
            }
        }
    }
}

//! Counting dead letters.

use std::time::Duration;

use contracts::topics::Topic;
use rdkafka::{
    ClientConfig,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
};

use crate::Topics;

const TIMEOUT: Duration = Duration::from_secs(10);

/// How many messages each dead-letter topic holds, from the broker itself. Blocks for up to 10 s a topic.
///
/// # Errors
/// Those of the Kafka client, a missing topic among them.
pub fn count(bootstrap: &str, topics: &Topics) -> Result<Vec<(Topic, i64)>, KafkaError> {
    let consumer: BaseConsumer = ClientConfig::new().set("bootstrap.servers", bootstrap).create()?;
    Topic::ALL
        .into_iter()
        .map(|topic| {
            let (low, high) = consumer.fetch_watermarks(&topics.dead_letter_name(topic), 0, TIMEOUT)?;
            Ok((topic, high - low))
        })
        .collect()
}

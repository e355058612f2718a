//! Making the topics.

use std::time::Duration;

use contracts::topics::Topic;
use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    error::KafkaError,
    types::RDKafkaErrorCode,
};

use crate::Topics;

/// Why the topics could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The client could not be set up, or the broker did not answer in time.
    #[error("Kafka at {bootstrap} did not make the topics: {source}")]
    Kafka {
        /// Where it was looked for.
        bootstrap: String,
        /// What the client says.
        source: KafkaError,
    },
    /// The broker refused a topic.
    #[error("Kafka at {bootstrap} refused to make topic {topic}: {code}")]
    Refused {
        /// Where.
        bootstrap: String,
        /// Which topic.
        topic: String,
        /// Kafka's error code.
        code: RDKafkaErrorCode,
    },
}

/// Makes every topic of the shop, with its dead-letter topic, where it does not exist yet.
///
/// # Errors
/// When the broker does not answer within 10 s, or refuses.
pub async fn ensure_topics(bootstrap: &str, topics: &Topics) -> Result<(), Error> {
    let failed = |source| Error::Kafka { bootstrap: bootstrap.to_owned(), source };
    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", bootstrap).create().map_err(failed)?;
    let names: Vec<(Topic, String)> = Topic::ALL
        .into_iter()
        .flat_map(|topic| [(topic, topics.name(topic)), (topic, topics.dead_letter_name(topic))])
        .collect();
    let wanted: Vec<NewTopic<'_>> = names.iter().map(|(topic, name)| new_topic(*topic, name, topics)).collect();
    let options = AdminOptions::new()
        .request_timeout(Some(Duration::from_secs(10)))
        .operation_timeout(Some(Duration::from_secs(10)));
    for made in admin.create_topics(&wanted, &options).await.map_err(failed)? {
        match made {
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((topic, code)) => return Err(Error::Refused { bootstrap: bootstrap.to_owned(), topic, code }),
        }
    }
    Ok(())
}

fn new_topic<'a>(topic: Topic, name: &'a str, topics: &Topics) -> NewTopic<'a> {
    let dead_letters = name == topics.dead_letter_name(topic);
    let partitions = if dead_letters { 1 } else { i32::from(topic.partitions()) };
    let made = NewTopic::new(name, partitions, TopicReplication::Fixed(-1)).set("retention.ms", "-1");
    if topic.compacted() && !dead_letters { made.set("cleanup.policy", "compact") } else { made }
}

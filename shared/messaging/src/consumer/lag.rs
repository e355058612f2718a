//! How far consumers are behind. librdkafka knows the ends of partitions from what it fetches anyway, and tells them once
//! in a while; the broker is asked for nothing.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use contracts::{Timestamp, topics::Topic};
use rdkafka::{Statistics, client::ClientContext, consumer::ConsumerContext};

use super::Message;
use crate::{Topics, trace};

/// How often librdkafka tells, as `statistics.interval.ms` has it.
pub(super) const TOLD_EVERY: &str = "5000";

/// The consumers of this process.
static CONSUMERS: Mutex<Vec<Weak<Known>>> = Mutex::new(Vec::new());

/// A partition, and who reads it.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) group: String,
    pub(crate) topic: Topic,
    pub(crate) partition: i32,
}

/// What of a partition is not taken yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lag {
    pub(crate) messages: i64,
    /// How old the newest message taken is, where more wait; `None` where none was taken.
    pub(crate) time: Option<Duration>,
}

/// Tells the lag of every partition that a consumer of this process has.
pub(crate) fn each(mut tell: impl FnMut(&Place, Lag)) {
    let consumers: Vec<_> = lock(&CONSUMERS).iter().filter_map(Weak::upgrade).collect();
    for consumer in consumers {
        for (&(topic, partition), of_partition) in &*lock(&consumer.partitions) {
            let Some(messages) = of_partition.behind else { continue };
            let place = Place { group: consumer.group.clone(), topic, partition };
            let taken = of_partition.taken.map(|taken| trace::duration(Timestamp::now().micros_since(taken)));
            let time = if messages == 0 { Some(Duration::ZERO) } else { taken };
            tell(&place, Lag { messages, time });
        }
    }
}

/// What one consumer knows.
#[derive(Debug)]
pub(super) struct Known {
    group: String,
    topics: Topics,
    partitions: Mutex<BTreeMap<(Topic, i32), Partition>>,
}

#[derive(Debug, Default)]
struct Partition {
    /// `None` while the partition is not this consumer's.
    behind: Option<i64>,
    /// When the newest message taken was sent.
    taken: Option<Timestamp>,
}

impl Known {
    pub(super) fn new(group: &str, topics: &Topics) -> Arc<Self> {
        let known = Self { group: group.to_owned(), topics: topics.clone(), partitions: Mutex::default() };
        let known = Arc::new(known);
        let mut consumers = lock(&CONSUMERS);
        consumers.retain(|consumer| consumer.strong_count() > 0);
        consumers.push(Arc::downgrade(&known));
        known
    }

    /// These were taken.
    pub(super) fn taken(&self, messages: &[Message]) {
        let mut partitions = lock(&self.partitions);
        for of_partition in messages.chunk_by(|a, b| (a.topic, a.partition) == (b.topic, b.partition)) {
            if let Some(newest) = of_partition.last() {
                partitions.entry((newest.topic, newest.partition)).or_default().taken = Some(newest.timestamp);
            }
        }
    }
}

/// What librdkafka tells its client.
pub(super) struct Told(pub(super) Arc<Known>);

impl ClientContext for Told {
    fn stats(&self, told: Statistics) {
        let mut partitions = lock(&self.0.partitions);
        partitions.values_mut().for_each(|partition| partition.behind = None);
        for (name, topic) in &told.topics {
            let Some(kind) = self.0.topics.parse(name) else { continue };
            for (&number, partition) in &topic.partitions {
                // Below nought where it is not known, or another's; -1 is the partition for messages without one.
                if number >= 0 && partition.consumer_lag_stored >= 0 {
                    partitions.entry((kind, number)).or_default().behind = Some(partition.consumer_lag_stored);
                }
            }
        }
    }
}

impl ConsumerContext for Told {}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is done under it can't panic half-way but for want of memory.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_is_told_of_while_it_is_this_consumers() {
        let topics = Topics::default();
        let known = Known::new("lag-test", &topics);
        let told = Told(Arc::clone(&known));
        let statistics = |lag: i64| {
            let mut statistics = Statistics::default();
            let mut topic = rdkafka::statistics::Topic::default();
            let partition = rdkafka::statistics::Partition { consumer_lag_stored: lag, ..Default::default() };
            topic.partitions.insert(3, partition);
            statistics.topics.insert(topics.name(Topic::Orders), topic);
            statistics
        };
        let seen = || {
            let mut seen = Vec::new();
            each(|place, lag| {
                if place.group == "lag-test" {
                    seen.push((place.topic, place.partition, lag));
                }
            });
            seen
        };
        told.stats(statistics(7));
        assert_eq!(seen(), [(Topic::Orders, 3, Lag { messages: 7, time: None })]);
        told.stats(statistics(0));
        assert_eq!(seen(), [(Topic::Orders, 3, Lag { messages: 0, time: Some(Duration::ZERO) })]);
        told.stats(statistics(-1));
        assert_eq!(seen(), []);
        drop((known, told));
        assert_eq!(seen(), []);
    }
}

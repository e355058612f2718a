//! Every metric of this crate.

use std::sync::LazyLock;

use contracts::topics::Topic;
use opentelemetry::{
    KeyValue, global,
    metrics::{Counter, Histogram, UpDownCounter},
};

pub(crate) static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::new);

pub(crate) struct Metrics {
    sent: Counter<u64>,
    dead_letters: Counter<u64>,
    pub(crate) relay_failures: Counter<u64>,
    pub(crate) relay_in_flight: UpDownCounter<i64>,
    pub(crate) outbox_dwell: Histogram<f64>,
    pub(crate) owned_buckets: UpDownCounter<i64>,
    pub(crate) batch_size: Histogram<u64>,
    pub(crate) batch_duration: Histogram<f64>,
    pub(crate) batch_retries: Counter<u64>,
    pub(crate) superseded: Counter<u64>,
}

impl Metrics {
    fn new() -> Self {
        let meter = global::meter("plumbline.messaging");
        Self {
            sent: meter
                .u64_counter("messaging.client.sent.messages")
                .with_description("Messages that Kafka acknowledged")
                .with_unit("{message}")
                .build(),
            dead_letters: meter
                .u64_counter("plumbline.dead_letters")
                .with_description("Messages that could not be processed and went to a dead-letter topic")
                .with_unit("{message}")
                .build(),
            relay_failures: meter
                .u64_counter("plumbline.relay.failures")
                .with_description("Relay sessions that ended in an error and were begun anew")
                .build(),
            relay_in_flight: meter
                .i64_up_down_counter("plumbline.relay.in_flight")
                .with_description("Messages handed to Kafka and not acknowledged yet")
                .with_unit("{message}")
                .build(),
            outbox_dwell: meter
                .f64_histogram("plumbline.outbox.dwell")
                .with_description("Time from a frame's transaction to its being sent")
                .with_unit("s")
                .with_boundaries(seconds())
                .build(),
            owned_buckets: meter
                .i64_up_down_counter("plumbline.relay.owned_buckets")
                .with_description("Outbox buckets that this instance relays")
                .build(),
            batch_size: meter
                .u64_histogram("plumbline.consumer.batch_size")
                .with_description("Messages a batch")
                .with_unit("{message}")
                .with_boundaries(vec![1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0])
                .build(),
            batch_duration: meter
                .f64_histogram("messaging.process.duration")
                .with_description("Time to process a batch, retries included")
                .with_unit("s")
                .with_boundaries(seconds())
                .build(),
            batch_retries: meter
                .u64_counter("plumbline.consumer.retries")
                .with_description("Batches that failed and were tried again")
                .build(),
            superseded: meter
                .u64_counter("plumbline.consumer.superseded")
                .with_description("Batches refused because another consumer had taken some of their messages")
                .build(),
        }
    }

    pub(crate) fn sent(&self, topic: Topic, count: u64) {
        self.sent.add(count, &[destination(topic)]);
    }

    pub(crate) fn dead_letter(&self, topic: Topic) {
        self.dead_letters.add(1, &[destination(topic)]);
    }
}

fn destination(topic: Topic) -> KeyValue {
    KeyValue::new("messaging.destination.name", topic.name())
}

fn seconds() -> Vec<f64> {
    vec![0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0]
}

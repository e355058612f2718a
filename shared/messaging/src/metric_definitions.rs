//! Every metric of this crate.

use std::sync::LazyLock;

use contracts::topics::Topic;
use opentelemetry::{
    KeyValue, global,
    metrics::{Counter, Gauge, Histogram, Meter, UpDownCounter},
};
use telemetry::metrics::Seconds;

use crate::{
    consumer::lag,
    database::{self, copies},
};

pub(crate) static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::new);

pub(crate) struct Metrics {
    sent: Counter<u64>,
    dead_letters: Counter<u64>,
    pub(crate) relay_failures: Counter<u64>,
    pub(crate) relay_in_flight: UpDownCounter<i64>,
    pub(crate) outbox_dwell: Seconds,
    pub(crate) owned_buckets: UpDownCounter<i64>,
    pub(crate) batch_size: Histogram<u64>,
    pub(crate) batch_duration: Seconds,
    pub(crate) batch_retries: Counter<u64>,
    pub(crate) superseded: Counter<u64>,
    pub(crate) outbox_depth: Gauge<i64>,
    pub(crate) outbox_age: Gauge<f64>,
    pub(crate) pool: database::Measured,
    pub(crate) copies: copies::Measured,
}

impl Metrics {
    fn new() -> Self {
        let meter = global::meter("plumbline.messaging");
        lag(&meter);
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
            outbox_dwell: Seconds::new(
                &meter,
                "plumbline.outbox.dwell",
                "Time from a frame's transaction to its being sent",
            ),
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
            batch_duration: Seconds::new(
                &meter,
                "messaging.process.duration",
                "Time to process a batch, retries included",
            ),
            batch_retries: meter
                .u64_counter("plumbline.consumer.retries")
                .with_description("Batches that failed and were tried again")
                .build(),
            superseded: meter
                .u64_counter("plumbline.consumer.superseded")
                .with_description("Batches refused because another consumer had taken some of their messages")
                .build(),
            outbox_depth: meter
                .i64_gauge("plumbline.outbox.depth")
                .with_description("Messages that wait in the buckets that this instance relays")
                .with_unit("{message}")
                .build(),
            outbox_age: meter
                .f64_gauge("plumbline.outbox.age")
                .with_description("How long the oldest of them has waited")
                .with_unit("s")
                .build(),
            pool: pool(&meter),
            copies: copies(&meter),
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

/// What consumers have not taken yet, as each knows it of its partitions.
fn lag(meter: &Meter) {
    meter
        .i64_observable_gauge("plumbline.consumer.lag")
        .with_description("Messages of a partition that this instance has not taken yet")
        .with_unit("{message}")
        .with_callback(|observer| lag::each(|place, lag| observer.observe(lag.messages, &attributes(place))))
        .build();
    meter
        .f64_observable_gauge("plumbline.consumer.lag.time")
        .with_description("How old the newest message is that was taken of a partition, where more wait; else 0")
        .with_unit("s")
        .with_callback(|observer| {
            lag::each(|place, lag| {
                if let Some(time) = lag.time {
                    observer.observe(time.as_secs_f64(), &attributes(place));
                }
            });
        })
        .build();
}

fn attributes(place: &lag::Place) -> [KeyValue; 3] {
    [
        KeyValue::new("messaging.consumer.group.name", place.group.clone()),
        destination(place.topic),
        KeyValue::new("messaging.destination.partition.id", place.partition.to_string()),
    ]
}

fn copies(meter: &Meter) -> copies::Measured {
    copies::Measured {
        reads: meter
            .u64_counter("plumbline.copies.reads")
            .with_description("Reads that a database answered, by the level they asked for and by which copy answered")
            .with_unit("{read}")
            .build(),
        passed_over: meter
            .u64_counter("plumbline.copies.passed_over")
            .with_description("Reads that the replica could have answered and the primary was asked for, by why")
            .with_unit("{read}")
            .build(),
        replica_age: meter
            .f64_gauge("plumbline.copies.replica.age")
            .with_description("How old what the replica shows is at most")
            .with_unit("s")
            .build(),
    }
}

fn pool(meter: &Meter) -> database::Measured {
    database::Measured {
        count: meter
            .u64_gauge("db.client.connection.count")
            .with_description("Connections of the pool, by whether they are in use, when one was last asked for")
            .with_unit("{connection}")
            .build(),
        pending: meter
            .i64_up_down_counter("db.client.connection.pending_requests")
            .with_description("Batches of messages that wait for a connection")
            .with_unit("{request}")
            .build(),
        wait: Seconds::new(meter, "db.client.connection.wait_time", "Time to get a connection for a batch of messages"),
    }
}

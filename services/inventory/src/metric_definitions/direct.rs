//! Those of reservations that requests ask for.

use std::time::Duration;

use opentelemetry::{
    KeyValue,
    metrics::{Counter, Histogram, Meter},
};
use telemetry::{context::TraceContext, metrics::Seconds};

use crate::domain::Answer;

pub(crate) struct Direct {
    answered: Counter<u64>,
    batch_size: Histogram<u64>,
    batch_duration: Seconds,
    pub(crate) queue_wait: Seconds,
    pub(crate) retries: Counter<u64>,
}

impl Direct {
    pub(super) fn new(meter: &Meter) -> Self {
        Self {
            answered: meter
                .u64_counter("plumbline.inventory.direct.answered")
                .with_description("Requests to reserve that were answered, by what they came to")
                .with_unit("{request}")
                .build(),
            batch_size: meter
                .u64_histogram("plumbline.inventory.direct.batch.size")
                .with_description("Requests to reserve a transaction")
                .with_unit("{request}")
                .with_boundaries(vec![1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0])
                .build(),
            batch_duration: Seconds::new(
                meter,
                "plumbline.inventory.direct.batch.duration",
                "Time to lock and decide the requests of a transaction",
            ),
            queue_wait: Seconds::new(
                meter,
                "plumbline.inventory.direct.queue.wait",
                "Time a request to reserve waits for the transaction that takes it",
            ),
            retries: meter
                .u64_counter("plumbline.inventory.direct.retries")
                .with_description("Transactions for requests to reserve that failed and were tried again")
                .with_unit("{transaction}")
                .build(),
        }
    }

    /// Counts a transaction.
    pub(crate) fn decided(&self, requests: usize, took: Duration, trace: Option<TraceContext>) {
        self.batch_size.record(requests as u64, &[]);
        self.batch_duration.record(took, trace);
    }

    /// Counts what requests came to.
    pub(crate) fn answered(&self, answers: &[Answer]) {
        for answer in answers {
            self.answered.add(1, &[KeyValue::new("plumbline.outcome", answer.name())]);
        }
    }
}

//! Every metric of this service.

use std::sync::LazyLock;

use contracts::order::OrderStatus;
use opentelemetry::{
    KeyValue, global,
    metrics::{Counter, Histogram},
};
use telemetry::metrics::SECONDS;

pub(crate) static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::new);

pub(crate) struct Metrics {
    pub(crate) placed: Counter<u64>,
    decided: Counter<u64>,
    decision_latency: Histogram<f64>,
    pub(crate) batch_size: Histogram<u64>,
    pub(crate) queue_wait: Histogram<f64>,
    pub(crate) commit_duration: Histogram<f64>,
    pub(crate) commit_retries: Counter<u64>,
}

impl Metrics {
    fn new() -> Self {
        let meter = global::meter("plumbline.order");
        Self {
            placed: meter
                .u64_counter("plumbline.order.placed")
                .with_description("Orders stored, repeats of an Idempotency-Key not counted")
                .with_unit("{order}")
                .build(),
            decided: meter
                .u64_counter("plumbline.order.decided")
                .with_description("Orders that came into a final status, by that status")
                .with_unit("{order}")
                .build(),
            decision_latency: meter
                .f64_histogram("plumbline.order.decision.latency")
                .with_description("Time from an order's being placed to its being confirmed or rejected")
                .with_unit("s")
                .with_boundaries(SECONDS.to_vec())
                .build(),
            batch_size: meter
                .u64_histogram("plumbline.order.commit.batch_size")
                .with_description("Orders a transaction")
                .with_unit("{order}")
                .with_boundaries(vec![1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0])
                .build(),
            queue_wait: meter
                .f64_histogram("plumbline.order.commit.queue_wait")
                .with_description("Time an order waits for the transaction that takes it")
                .with_unit("s")
                .with_boundaries(SECONDS.to_vec())
                .build(),
            commit_duration: meter
                .f64_histogram("plumbline.order.commit.duration")
                .with_description("Time of a transaction that was committed")
                .with_unit("s")
                .with_boundaries(SECONDS.to_vec())
                .build(),
            commit_retries: meter
                .u64_counter("plumbline.order.commit.retries")
                .with_description("Transactions that failed and were tried again")
                .with_unit("{transaction}")
                .build(),
        }
    }

    /// Counts `orders` that came into `status`.
    pub(crate) fn decided(&self, status: OrderStatus, orders: u64) {
        if orders > 0 {
            self.decided.add(orders, &[KeyValue::new("plumbline.order.status", status.as_str())]);
        }
    }

    /// Records how long an order waited for its decision.
    pub(crate) fn decision_latency(&self, micros: i64) {
        self.decision_latency.record(micros.max(0) as f64 / 1e6, &[]);
    }
}

//! Every metric of this service.

use std::sync::LazyLock;

use contracts::order::OrderStatus;
use opentelemetry::{
    KeyValue, global,
    metrics::{Counter, Histogram},
};
use telemetry::metrics::Seconds;

pub(crate) static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::new);

pub(crate) struct Metrics {
    pub(crate) placed: Counter<u64>,
    decided: Counter<u64>,
    pub(crate) decision_latency: Seconds,
    pub(crate) batch_size: Histogram<u64>,
    pub(crate) queue_wait: Seconds,
    pub(crate) commit_duration: Seconds,
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
            decision_latency: Seconds::new(
                &meter,
                "plumbline.order.decision.latency",
                "Time from an order's being placed to its being confirmed or rejected",
            ),
            batch_size: meter
                .u64_histogram("plumbline.order.commit.batch_size")
                .with_description("Orders a transaction")
                .with_unit("{order}")
                .with_boundaries(vec![1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0])
                .build(),
            queue_wait: Seconds::new(
                &meter,
                "plumbline.order.commit.queue_wait",
                "Time an order waits for the transaction that takes it",
            ),
            commit_duration: Seconds::new(
                &meter,
                "plumbline.order.commit.duration",
                "Time of a transaction that was committed",
            ),
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
}

//! Every metric of this service.

use std::{sync::LazyLock, time::Duration};

use contracts::consistency::Written;
use opentelemetry::{
    KeyValue, global,
    metrics::{Counter, Histogram, Meter},
};
use telemetry::{
    context::TraceContext,
    metrics::{Seconds, Series},
    names::shop,
};

use crate::{
    domain::Answer,
    store::{ChangeError, Taken},
};

pub(crate) static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::new);

pub(crate) struct Metrics {
    batch_size: Histogram<u64>,
    batch_duration: Seconds,
    lock_wait: Seconds,
    effect_latency: Series,
    reserved: Counter<u64>,
    rejected: Counter<u64>,
    released: Counter<u64>,
    violations: Counter<u64>,
    pub(crate) adjustments: Counter<u64>,
    pub(crate) sweep_failures: Counter<u64>,
    pub(crate) locks: Guarding,
    pub(crate) direct: Direct,
}

impl Metrics {
    fn new() -> Self {
        let meter = global::meter("plumbline.inventory");
        let metrics = Self {
            batch_size: meter
                .u64_histogram("plumbline.inventory.batch.size")
                .with_description("Order events a transaction")
                .with_unit("{event}")
                .with_boundaries(vec![1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0])
                .build(),
            batch_duration: Seconds::new(
                &meter,
                "plumbline.inventory.batch.duration",
                "Time of a transaction that took a batch",
            ),
            lock_wait: Seconds::new(
                &meter,
                "plumbline.inventory.lock.wait",
                "Time to lock and read the stock of a batch",
            ),
            effect_latency: Seconds::new(&meter, shop::EFFECT_LATENCY, shop::EFFECT_LATENCY_IS)
                .series(&[KeyValue::new(shop::EFFECT, "reservation_confirmed")]),
            reserved: meter
                .u64_counter("plumbline.inventory.orders.reserved")
                .with_description("Orders whose every line was reserved")
                .with_unit("{order}")
                .build(),
            rejected: meter
                .u64_counter("plumbline.inventory.orders.rejected")
                .with_description("Orders of which a line lacked, so that nothing was reserved")
                .with_unit("{order}")
                .build(),
            released: meter
                .u64_counter("plumbline.inventory.orders.released")
                .with_description("Orders whose stock was given back, by the reason: cancelled, expired or returned")
                .with_unit("{order}")
                .build(),
            violations: meter
                .u64_counter("plumbline.inventory.stock.violations")
                .with_description("Lines to be given back of which fewer were reserved: must be 0")
                .with_unit("{line}")
                .build(),
            adjustments: meter
                .u64_counter("plumbline.inventory.adjustments")
                .with_description("Adjustments made, repeats of an Idempotency-Key not counted")
                .with_unit("{adjustment}")
                .build(),
            sweep_failures: meter
                .u64_counter("plumbline.inventory.sweep.failures")
                .with_description("Sweeps that failed and were tried again at the next turn")
                .with_unit("{sweep}")
                .build(),
            locks: Guarding::new(&meter),
            direct: Direct::new(&meter),
        };
        // Shown from the start: an alert on a counter that isn't there yet never rings.
        metrics.violations.add(0, &[]);
        metrics
    }

    /// Counts a batch that was taken, in so long.
    pub(crate) fn taken(&self, taken: &Taken, duration: Duration, trace: Option<TraceContext>) {
        self.batch_size.record(taken.events as u64, &[]);
        self.batch_duration.record(duration, trace);
        self.lock_wait.record(taken.waits.lock + taken.waits.rows, trace);
        self.reserved.add(taken.reserved, &[]);
        self.rejected.add(taken.rejected, &[]);
        self.released("cancelled", taken.released);
        self.violated(taken.violations);
    }

    /// Records how long after its placing an order's last effect on stock came.
    pub(crate) fn confirmed(&self, after: Duration, trace: Option<TraceContext>) {
        self.effect_latency.record(after, trace);
    }

    /// Counts orders whose stock was given back.
    pub(crate) fn released(&self, reason: &'static str, orders: u64) {
        if orders > 0 {
            self.released.add(orders, &[KeyValue::new("plumbline.release.reason", reason)]);
        }
    }

    /// Counts, and says, what must not happen.
    pub(crate) fn violated(&self, lines: u64) {
        if lines > 0 {
            self.violations.add(lines, &[]);
            tracing::error!(lines, "fewer pieces were reserved than were to be given back; stock was changed by hand?");
        }
    }
}

/// Those of the locks that changes of stock are made under.
pub(crate) struct Guarding {
    refused: Counter<u64>,
    fallbacks: Counter<u64>,
    pub(crate) outages: Counter<u64>,
}

impl Guarding {
    fn new(meter: &Meter) -> Self {
        Self {
            refused: meter
                .u64_counter("plumbline.inventory.changes.refused")
                .with_description(
                    "Transactions rolled back because a later holder of the lock had stored, or the lock was lost",
                )
                .with_unit("{transaction}")
                .build(),
            fallbacks: meter
                .u64_counter("plumbline.inventory.locks.fallbacks")
                .with_description("Changes made with rows locked because no lock was to be had")
                .with_unit("{transaction}")
                .build(),
            outages: meter
                .u64_counter("plumbline.inventory.locks.outages")
                .with_description("Times from which on no lock was to be had")
                .with_unit("{outage}")
                .build(),
        }
    }

    /// Counts a change of stock that was refused for its lock's sake.
    pub(crate) fn refused(&self, error: &ChangeError) {
        if matches!(error, ChangeError::Overtaken { .. } | ChangeError::Lost(_) | ChangeError::Unguarded) {
            self.refused.add(1, &[KeyValue::new("error.type", error.class())]);
        }
    }

    /// Counts a change that is made without a lock.
    pub(crate) fn fell_back(&self, changes: u64) {
        self.fallbacks.add(changes, &[]);
    }
}

/// Those of reservations that requests ask for.
pub(crate) struct Direct {
    answered: Counter<u64>,
    batch_size: Histogram<u64>,
    batch_duration: Seconds,
    pub(crate) queue_wait: Seconds,
    pub(crate) retries: Counter<u64>,
}

impl Direct {
    fn new(meter: &Meter) -> Self {
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
    pub(crate) fn answered(&self, answers: &[Written<Answer>]) {
        for answer in answers {
            self.answered.add(1, &[KeyValue::new("plumbline.outcome", answer.value.name())]);
        }
    }
}

//! Every metric of this crate.

use std::{sync::LazyLock, time::Duration};

use opentelemetry::{
    KeyValue, global,
    metrics::{Counter, Histogram},
};

use crate::Strategy;

pub(crate) static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::new);

pub(crate) struct Metrics {
    wait: Histogram<f64>,
    hold: Histogram<f64>,
    lost: Counter<u64>,
    extensions: Counter<u64>,
    pub(crate) epochs: Counter<u64>,
    pub(crate) switches: Counter<u64>,
}

/// Upper bounds in seconds: from a round trip to a time to live.
const BOUNDS: [f64; 15] =
    [0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

impl Metrics {
    fn new() -> Self {
        let meter = global::meter("plumbline.locks");
        let seconds = |name, description| {
            let histogram = meter.f64_histogram(name).with_unit("s").with_description(description);
            histogram.with_boundaries(BOUNDS.to_vec()).build()
        };
        let count = |name, description| meter.u64_counter(name).with_description(description).build();
        Self {
            wait: seconds("plumbline.locks.wait", "From asking for a lock to having it, or to giving up"),
            hold: seconds("plumbline.locks.hold", "From having a lock to giving it back"),
            lost: count("plumbline.locks.lost", "Locks that ended while they were held"),
            extensions: count("plumbline.locks.extensions", "Times a held lock was given more time, by outcome"),
            epochs: count("plumbline.locks.epochs", "Epochs of fencing tokens that this process began"),
            switches: count("plumbline.locks.switches", "Times this process went over to another strategy"),
        }
    }

    pub(crate) fn waited(&self, strategy: Strategy, outcome: &'static str, wait: Duration) {
        let attributes = [strategy_is(strategy), KeyValue::new("plumbline.outcome", outcome)];
        self.wait.record(wait.as_secs_f64(), &attributes);
    }

    pub(crate) fn held(&self, strategy: Strategy, hold: Duration) {
        self.hold.record(hold.as_secs_f64(), &[strategy_is(strategy)]);
    }

    pub(crate) fn lost(&self, strategy: Strategy) {
        self.lost.add(1, &[strategy_is(strategy)]);
    }

    pub(crate) fn extended(&self, strategy: Strategy, outcome: &'static str) {
        self.extensions.add(1, &[strategy_is(strategy), KeyValue::new("plumbline.outcome", outcome)]);
    }
}

fn strategy_is(strategy: Strategy) -> KeyValue {
    KeyValue::new("plumbline.lock.strategy", strategy.word())
}

//! Every metric of this crate.

use std::{sync::LazyLock, time::Duration};

use opentelemetry::{KeyValue, global, metrics::Counter};
use telemetry::{context::TraceContext, metrics::Seconds};

use crate::Strategy;

pub(crate) static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::new);

pub(crate) struct Metrics {
    wait: Seconds,
    hold: Seconds,
    lost: Counter<u64>,
    extensions: Counter<u64>,
    pub(crate) epochs: Counter<u64>,
    pub(crate) switches: Counter<u64>,
}

impl Metrics {
    fn new() -> Self {
        let meter = global::meter("plumbline.locks");
        Self {
            wait: Seconds::new(
                &meter,
                "plumbline.locks.wait",
                "From asking for a lock to having it, or to giving up, by which",
            ),
            hold: Seconds::new(&meter, "plumbline.locks.hold", "From having a lock to giving it back"),
            lost: meter
                .u64_counter("plumbline.locks.lost")
                .with_description("Locks that ended while they were held")
                .with_unit("{lock}")
                .build(),
            extensions: meter
                .u64_counter("plumbline.locks.extensions")
                .with_description("Times a held lock was given more time, by outcome")
                .build(),
            epochs: meter
                .u64_counter("plumbline.locks.epochs")
                .with_description("Epochs of fencing tokens that this process began")
                .build(),
            switches: meter
                .u64_counter("plumbline.locks.switches")
                .with_description("Times this process went over to another strategy")
                .build(),
        }
    }

    pub(crate) fn waited(
        &self,
        strategy: Strategy,
        outcome: &'static str,
        wait: Duration,
        trace: Option<TraceContext>,
    ) {
        let attributes = [strategy_is(strategy), KeyValue::new("plumbline.outcome", outcome)];
        self.wait.series(&attributes).record(wait, trace);
    }

    pub(crate) fn held(&self, strategy: Strategy, hold: Duration, trace: Option<TraceContext>) {
        self.hold.series(&[strategy_is(strategy)]).record(hold, trace);
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

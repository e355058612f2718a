//! Every metric of this crate.

use std::{array, sync::LazyLock, time::Duration};

use opentelemetry::{KeyValue, global, metrics::Counter};
use telemetry::{
    context::TraceContext,
    metrics::{Seconds, Series},
};

use crate::Strategy;

pub(crate) static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::new);

/// One of each strategy, in the order of [`Strategy::ALL`]: finding a series costs more than recording.
type OfEach<T> = [T; Strategy::ALL.len()];

pub(crate) struct Metrics {
    wait: Seconds,
    taken: OfEach<Series>,
    held: OfEach<Series>,
    lost: Counter<u64>,
    extensions: Counter<u64>,
    pub(crate) epochs: Counter<u64>,
    pub(crate) switches: Counter<u64>,
}

impl Metrics {
    fn new() -> Self {
        let meter = global::meter("plumbline.locks");
        let counter = |name, description| meter.u64_counter(name).with_description(description);
        let wait = Seconds::new(
            &meter,
            "plumbline.locks.wait",
            "From asking for a lock to having it, or to giving up, by which",
        );
        let hold = Seconds::new(&meter, "plumbline.locks.hold", "From having a lock to giving it back");
        Self {
            taken: of_each(|strategy| wait.series(&[strategy_is(strategy), outcome_is("taken")])),
            held: of_each(|strategy| hold.series(&[strategy_is(strategy)])),
            wait,
            lost: counter("plumbline.locks.lost", "Locks that ended while they were held").with_unit("{lock}").build(),
            extensions: counter("plumbline.locks.extensions", "Times a held lock was given more time, by outcome")
                .build(),
            epochs: counter("plumbline.locks.epochs", "Epochs of fencing tokens that this process began").build(),
            switches: counter("plumbline.locks.switches", "Times this process went over to another strategy").build(),
        }
    }

    pub(crate) fn taken(&self, strategy: Strategy, wait: Duration, trace: Option<TraceContext>) {
        self.taken[strategy as usize].record(wait, trace);
    }

    /// Without a strategy where none was in force.
    pub(crate) fn gave_up(
        &self,
        strategy: Option<Strategy>,
        outcome: &'static str,
        wait: Duration,
        trace: Option<TraceContext>,
    ) {
        let attributes: Vec<_> = strategy.map(strategy_is).into_iter().chain([outcome_is(outcome)]).collect();
        self.wait.series(&attributes).record(wait, trace);
    }

    pub(crate) fn held(&self, strategy: Strategy, hold: Duration, trace: Option<TraceContext>) {
        self.held[strategy as usize].record(hold, trace);
    }

    pub(crate) fn lost(&self, strategy: Strategy) {
        self.lost.add(1, &[strategy_is(strategy)]);
    }

    pub(crate) fn extended(&self, strategy: Strategy, outcome: &'static str) {
        self.extensions.add(1, &[strategy_is(strategy), outcome_is(outcome)]);
    }
}

fn of_each<T>(make: impl Fn(Strategy) -> T) -> OfEach<T> {
    array::from_fn(|place| make(Strategy::ALL[place]))
}

fn strategy_is(strategy: Strategy) -> KeyValue {
    KeyValue::new("plumbline.lock.strategy", strategy.word())
}

fn outcome_is(outcome: &'static str) -> KeyValue {
    KeyValue::new("plumbline.outcome", outcome)
}

//! Every metric of this service.

use std::sync::LazyLock;

use opentelemetry::{
    KeyValue, global,
    metrics::{Counter, Gauge},
};
use telemetry::{
    metrics::{Seconds, Series},
    names::shop,
};

pub(crate) static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::new);

pub(crate) struct Metrics {
    learnt: Counter<u64>,
    repeated: Counter<u64>,
    pub(crate) not_understood: Counter<u64>,
    held: Gauge<u64>,
    pub(crate) answer_duration: Seconds,
    pub(crate) effect_latency: Series,
    building: Gauge<u64>,
    pub(crate) follow_failures: Counter<u64>,
}

impl Metrics {
    fn new() -> Self {
        let meter = global::meter("plumbline.recommendation");
        Self {
            learnt: meter
                .u64_counter("plumbline.recommendation.orders.learnt")
                .with_description("Orders learnt")
                .with_unit("{order}")
                .build(),
            repeated: meter
                .u64_counter("plumbline.recommendation.orders.repeated")
                .with_description("Orders told of again while they were in the window")
                .with_unit("{order}")
                .build(),
            not_understood: meter
                .u64_counter("plumbline.recommendation.not_understood")
                .with_description("Messages passed over because they could not be understood")
                .with_unit("{message}")
                .build(),
            held: meter
                .u64_gauge("plumbline.recommendation.held")
                .with_description("What the model holds: orders, products, lines")
                .build(),
            answer_duration: Seconds::new(
                &meter,
                "plumbline.recommendation.answer.duration",
                "Time to count an answer, the wait for the model included",
            ),
            effect_latency: Seconds::new(&meter, shop::EFFECT_LATENCY, shop::EFFECT_LATENCY_IS)
                .series(&[KeyValue::new(shop::EFFECT, "learnt")]),
            building: meter
                .u64_gauge("plumbline.recommendation.building")
                .with_description("1 while this instance builds the model, 0 while it takes it from the one that does")
                .build(),
            follow_failures: meter
                .u64_counter("plumbline.recommendation.follow.failures")
                .with_description("Requests for the model that its builder did not answer with it")
                .with_unit("{request}")
                .build(),
        }
    }

    pub(crate) fn building(&self, builds: bool) {
        self.building.record(u64::from(builds), &[]);
    }

    pub(crate) fn learnt(&self, new: u64, repeated: u64) {
        self.learnt.add(new, &[]);
        self.repeated.add(repeated, &[]);
    }

    pub(crate) fn holds(&self, orders: usize, products: usize, lines: usize) {
        for (what, count) in [("orders", orders), ("products", products), ("lines", lines)] {
            self.held.record(count as u64, &[KeyValue::new("plumbline.recommendation.what", what)]);
        }
    }
}

//! Every metric of this crate.

use std::sync::LazyLock;

use opentelemetry::{
    global,
    metrics::{Histogram, UpDownCounter},
};

pub(crate) static METRICS: LazyLock<Metrics> = LazyLock::new(|| {
    let meter = global::meter("plumbline.service");
    Metrics {
        duration: meter
            .f64_histogram("http.server.request.duration")
            .with_description("Duration of HTTP server requests")
            .with_unit("s")
            .with_boundaries(vec![
                0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 10.0, 30.0,
            ])
            .build(),
        active: meter
            .i64_up_down_counter("http.server.active_requests")
            .with_description("HTTP server requests in hand")
            .with_unit("{request}")
            .build(),
    }
});

/// OpenTelemetry's HTTP server metrics.
pub(crate) struct Metrics {
    pub(crate) duration: Histogram<f64>,
    pub(crate) active: UpDownCounter<i64>,
}

//! Every metric of this crate.

use std::sync::LazyLock;

use opentelemetry::{global, metrics::UpDownCounter};
use telemetry::{metrics::Seconds, names::http};

pub(crate) static METRICS: LazyLock<Metrics> = LazyLock::new(|| {
    let meter = global::meter("plumbline.service");
    Metrics {
        duration: Seconds::new(&meter, http::SERVER_REQUEST_DURATION, "Duration of HTTP server requests"),
        active: meter
            .i64_up_down_counter(http::SERVER_ACTIVE_REQUESTS)
            .with_description("HTTP server requests in hand")
            .with_unit("{request}")
            .build(),
    }
});

/// OpenTelemetry's HTTP server metrics.
pub(crate) struct Metrics {
    pub(crate) duration: Seconds,
    pub(crate) active: UpDownCounter<i64>,
}

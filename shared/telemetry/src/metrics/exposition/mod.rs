//! What `/metrics` answers: Prometheus' text format, or OpenMetrics where the reader asks for it.
//!
//! Names are OpenTelemetry's in Prometheus' manner:
//! <https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/>.

mod accept;
mod families;
mod name;
mod text;

use self::families::families;
use super::collect;

/// An answer to `GET /metrics`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exposition {
    /// Its media type.
    pub content_type: &'static str,
    /// Every metric of this process.
    pub text: String,
}

/// The two formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    /// <https://prometheus.io/docs/instrumenting/exposition_formats/>, which has no exemplars.
    Prometheus,
    /// <https://prometheus.io/docs/specs/om/open_metrics_spec/>.
    OpenMetrics,
}

/// Every metric of this process, in the format that the header `Accept` prefers; none before [`crate::init`].
pub fn exposition(accept: Option<&str>) -> Exposition {
    let format = accept.map_or(Format::Prometheus, accept::preferred);
    let content_type = match format {
        Format::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
        Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
    };
    let metrics = collect();
    let families = metrics.as_ref().map(families).unwrap_or_default();
    Exposition { content_type, text: text::write(format, &families) }
}

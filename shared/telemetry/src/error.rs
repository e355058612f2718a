/// Why telemetry could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The exporter for traces refused its settings, such as the endpoint.
    #[error("OTEL_EXPORTER_OTLP_ENDPOINT and its kin can't be used: {0}")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
    /// The exporter for metrics could not be made.
    #[error("the Prometheus exporter can't be made: {0}")]
    Prometheus(#[from] opentelemetry_sdk::error::OTelSdkError),
}

/// Why telemetry could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A variable of OpenTelemetry's can't be used.
    #[error(transparent)]
    Export(#[from] crate::export::InvalidSetting),
    /// The exporter's thread could not be started.
    #[error("the thread that sends spans can't be started: {0}")]
    Thread(#[source] std::io::Error),
    /// The exporter for metrics could not be made.
    #[error("the Prometheus exporter can't be made: {0}")]
    Prometheus(#[from] opentelemetry_sdk::error::OTelSdkError),
}

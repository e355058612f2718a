/// Why telemetry could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A variable of OpenTelemetry's can't be used.
    #[error(transparent)]
    Export(#[from] crate::export::InvalidSetting),
    /// The endpoint can't be spoken to.
    #[error("the endpoint for telemetry can't be used: {0}")]
    Endpoint(#[source] tonic::transport::Error),
    /// An exporter's thread could not be started.
    #[error("the thread that sends telemetry can't be started: {0}")]
    Thread(#[source] std::io::Error),
}

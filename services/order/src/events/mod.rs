//! What this service consumes: inventory's news about orders, and the catalogue.

mod catalogue;
mod stock;

pub use catalogue::Feed;
pub use stock::StockNews;

/// The Kafka client refuses its settings.
#[derive(Debug, thiserror::Error)]
#[error("Kafka client: {0}")]
pub struct ClientError(#[source] Box<dyn std::error::Error + Send + Sync>);

impl ClientError {
    /// What the client says.
    pub fn new(refusal: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self(Box::new(refusal))
    }
}

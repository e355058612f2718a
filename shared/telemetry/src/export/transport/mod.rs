//! OTLP over gRPC and over HTTP: <https://opentelemetry.io/docs/specs/otlp/>.

mod grpc;
mod http1;

use std::time::Duration;

use bytes::Bytes;
use prost::Message as _;

use super::{Protocol, Signal, settings::Destination};

/// Why items were not taken.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) fault: String,
    /// Whether the same may be taken when it is sent again.
    pub(super) may_pass: bool,
    /// How long the collector asks to wait.
    pub(super) pause: Option<Duration>,
}

/// `opentelemetry.proto.collector.trace.v1.ExportTraceServiceResponse`, which those of metrics and logs are like.
#[derive(prost::Message)]
struct Answer {
    #[prost(message, optional, tag = "1")]
    partial_success: Option<PartialSuccess>,
}

#[derive(prost::Message)]
struct PartialSuccess {
    #[prost(int64, tag = "1")]
    rejected: i64,
    #[prost(string, tag = "2")]
    error_message: String,
}

impl Answer {
    /// How many items were rejected. An answer that can't be read counts as none: they were taken.
    fn rejected(octets: impl bytes::Buf, signal: Signal) -> u64 {
        let Some(partial) = Self::decode(octets).ok().and_then(|answer| answer.partial_success) else { return 0 };
        let rejected = u64::try_from(partial.rejected).unwrap_or(0);
        if rejected > 0 || !partial.error_message.is_empty() {
            tracing::warn!(rejected, fault = partial.error_message, "the collector rejects {}", signal.items());
        }
        rejected
    }
}

/// The way to a collector.
pub(super) struct Transport {
    timeout: Duration,
    way: Way,
}

enum Way {
    Grpc(grpc::Client),
    Http(Box<http1::Client>),
}

impl Transport {
    /// Connects with the first request. Must be called inside a runtime.
    pub(super) fn new(to: &Destination) -> Result<Self, crate::Error> {
        let way = match to.protocol {
            Protocol::Grpc => Way::Grpc(grpc::Client::new(to).map_err(crate::Error::Endpoint)?),
            Protocol::Http => Way::Http(Box::new(http1::Client::new(to))),
        };
        Ok(Self { timeout: to.timeout, way })
    }

    /// Sends a request; answers how many of its items were rejected.
    pub(super) async fn send(&mut self, body: [Bytes; 2]) -> Result<u64, Failure> {
        let sending = async {
            match &mut self.way {
                Way::Grpc(client) => client.send(body).await,
                Way::Http(client) => client.send(body).await,
            }
        };
        match tokio::time::timeout(self.timeout, sending).await {
            Ok(sent) => sent,
            Err(_) => {
                if let Way::Http(client) = &mut self.way {
                    client.hang_up();
                }
                Err(Failure { fault: "no answer in time".to_owned(), may_pass: true, pause: None })
            }
        }
    }
}

//! OTLP over gRPC and over HTTP: <https://opentelemetry.io/docs/specs/otlp/>.

use std::time::Duration;

use bytes::{Buf as _, BufMut as _, Bytes};
use http::{HeaderMap, Uri};
use opentelemetry_sdk::Resource;
use prost::Message as _;
use tonic::{
    Code, Request, Status,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    metadata::MetadataMap,
    transport::{Channel, Endpoint},
};

use self::http1::Connection;
use super::{Protocol, Settings};
use crate::{
    attribute,
    wire::{self, Wire},
};

mod http1;

/// Why spans were not taken.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) fault: String,
    /// Whether the same may be taken when it is sent again.
    pub(super) may_pass: bool,
    /// How long the collector asks to wait.
    pub(super) pause: Option<Duration>,
}

/// `opentelemetry.proto.collector.trace.v1.ExportTraceServiceResponse`.
#[derive(prost::Message)]
struct Answer {
    #[prost(message, optional, tag = "1")]
    partial_success: Option<PartialSuccess>,
}

#[derive(prost::Message)]
struct PartialSuccess {
    #[prost(int64, tag = "1")]
    rejected_spans: i64,
    #[prost(string, tag = "2")]
    error_message: String,
}

impl Answer {
    /// How many spans were rejected. An answer that can't be read counts as none: the spans were taken.
    fn rejected(octets: impl bytes::Buf) -> i64 {
        let Some(partial) = Self::decode(octets).ok().and_then(|answer| answer.partial_success) else { return 0 };
        if partial.rejected_spans > 0 || !partial.error_message.is_empty() {
            tracing::warn!(
                spans = partial.rejected_spans,
                fault = partial.error_message,
                "the collector rejects spans"
            );
        }
        partial.rejected_spans
    }
}

/// What stands around spans in an `ExportTraceServiceRequest`: whose they are.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    /// The resource and the schema, fields 1 and 3 of `ResourceSpans`.
    resource: Vec<u8>,
    /// The scope, field 1 of `ScopeSpans`.
    scope: Vec<u8>,
}

/// Of the semantic conventions that attributes are named by.
const SCHEMA: &str = "https://opentelemetry.io/schemas/1.37.0";

impl Frame {
    pub(super) fn new(resource: &Resource) -> Self {
        let mut attributes = Vec::new();
        for (key, value) in resource {
            if let Some(value) = attribute::of(value) {
                attribute::write(&mut attributes, 1, key.as_str(), value);
            }
        }
        let mut of_resource = Vec::new();
        of_resource.bytes(1, &attributes);
        of_resource.text(3, SCHEMA);
        let mut of_scope = Vec::new();
        of_scope.head(1, wire::len_delimited("plumbline".len()));
        of_scope.text(1, "plumbline");
        Self { resource: of_resource, scope: of_scope }
    }

    /// What goes before so many bytes of spans.
    fn head(&self, spans: usize) -> Bytes {
        let of_scope = self.scope.len() + spans;
        let mut head = Vec::with_capacity(self.resource.len() + self.scope.len() + 24);
        head.head(1, self.resource.len() + wire::len_delimited(of_scope));
        head.extend_from_slice(&self.resource);
        head.head(2, of_scope);
        head.extend_from_slice(&self.scope);
        head.into()
    }
}

/// The way to a collector.
pub(super) struct Transport {
    frame: Frame,
    timeout: Duration,
    way: Way,
}

enum Way {
    Grpc { client: Box<Grpc<Channel>>, headers: MetadataMap },
    Http { connection: Connection, endpoint: Uri, headers: HeaderMap },
}

impl Transport {
    pub(super) fn new(settings: &Settings, frame: Frame) -> Self {
        let Settings { endpoint, headers, timeout, .. } = settings.clone();
        let way = match settings.protocol {
            Protocol::Grpc => Way::Grpc {
                client: Box::new(Grpc::new(Endpoint::from(endpoint).connect_timeout(timeout).connect_lazy())),
                headers: MetadataMap::from_headers(headers),
            },
            Protocol::Http => Way::Http { connection: Connection::default(), endpoint, headers },
        };
        Self { frame, timeout, way }
    }

    /// Sends spans; answers how many of them were rejected.
    pub(super) async fn send(&mut self, spans: Bytes) -> Result<i64, Failure> {
        let head = self.frame.head(spans.len());
        let sending = async {
            match &mut self.way {
                Way::Grpc { client, headers } => by_grpc(client, headers.clone(), [head, spans]).await,
                Way::Http { connection, endpoint, headers } => {
                    http1::post(connection, endpoint, headers, [head, spans]).await
                }
            }
        };
        match tokio::time::timeout(self.timeout, sending).await {
            Ok(sent) => sent,
            Err(_) => {
                if let Way::Http { connection, .. } = &mut self.way {
                    *connection = Connection::default();
                }
                Err(Failure { fault: "no answer in time".to_owned(), may_pass: true, pause: None })
            }
        }
    }
}

async fn by_grpc(client: &mut Grpc<Channel>, headers: MetadataMap, body: [Bytes; 2]) -> Result<i64, Failure> {
    const METHOD: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    client.ready().await.map_err(|fault| Failure { fault: fault.to_string(), may_pass: true, pause: None })?;
    let mut request = Request::new(body);
    *request.metadata_mut() = headers;
    let method = http::uri::PathAndQuery::from_static(METHOD);
    let answer = client.unary(request, method, Encoded).await.map_err(|status| refused(&status))?;
    Ok(Answer::rejected(answer.into_inner()))
}

/// Which refusals may pass is OTLP's choice; of `RESOURCE_EXHAUSTED` only those that say when to come again.
fn refused(status: &Status) -> Failure {
    let may_pass = matches!(
        status.code(),
        Code::Cancelled
            | Code::DeadlineExceeded
            | Code::Aborted
            | Code::OutOfRange
            | Code::Unavailable
            | Code::DataLoss
    );
    let pause = retry_after(status.details());
    let may_pass = may_pass || (status.code() == Code::ResourceExhausted && pause.is_some());
    // What lies beneath says more than the status: connection refused, not transport error.
    let mut fault = format!("{:?}: {}", status.code(), status.message());
    let mut cause = std::error::Error::source(status);
    while let Some(below) = cause {
        fault = format!("{fault}: {below}");
        cause = below.source();
    }
    Failure { fault, may_pass, pause }
}

/// The delay of a `google.rpc.RetryInfo` in a status' details.
fn retry_after(details: &[u8]) -> Option<Duration> {
    #[derive(prost::Message)]
    struct RichStatus {
        #[prost(message, repeated, tag = "3")]
        details: Vec<Detail>,
    }
    #[derive(prost::Message)]
    struct Detail {
        #[prost(string, tag = "1")]
        type_url: String,
        #[prost(bytes = "vec", tag = "2")]
        value: Vec<u8>,
    }
    #[derive(prost::Message)]
    struct RetryInfo {
        #[prost(message, optional, tag = "1")]
        retry_delay: Option<Delay>,
    }
    #[derive(prost::Message)]
    struct Delay {
        #[prost(int64, tag = "1")]
        seconds: i64,
        #[prost(int32, tag = "2")]
        nanos: i32,
    }
    let status = RichStatus::decode(details).ok()?;
    let info = status.details.iter().find(|detail| detail.type_url.ends_with("google.rpc.RetryInfo"))?;
    let delay = RetryInfo::decode(info.value.as_slice()).ok()?.retry_delay?;
    Some(Duration::new(u64::try_from(delay.seconds).ok()?, u32::try_from(delay.nanos).ok()?))
}

/// Requests and answers are protobuf already.
#[derive(Debug, Clone, Copy)]
struct Encoded;

impl Codec for Encoded {
    type Encode = [Bytes; 2];
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for Encoded {
    type Item = [Bytes; 2];
    type Error = Status;

    fn encode(&mut self, body: [Bytes; 2], to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.reserve(body.iter().map(Bytes::len).sum());
        body.into_iter().for_each(|part| to.put(part));
        Ok(())
    }
}

impl Decoder for Encoded {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}

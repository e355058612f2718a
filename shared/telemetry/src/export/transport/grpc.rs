//! OTLP/gRPC.

use std::time::Duration;

use bytes::{Buf as _, BufMut as _, Bytes};
use prost::Message as _;
use tonic::{
    Code, Request, Status,
    client::Grpc,
    codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder},
    metadata::MetadataMap,
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity},
};

use super::{Answer, Failure};
use crate::export::{Signal, settings::Destination};

pub(super) struct Client {
    signal: Signal,
    grpc: Box<Grpc<Channel>>,
    headers: MetadataMap,
}

impl Client {
    pub(super) fn new(to: &Destination) -> Result<Self, tonic::transport::Error> {
        let mut endpoint = Endpoint::from(to.endpoint.clone()).connect_timeout(to.timeout);
        if let Some(tls) = &to.tls {
            let mut config = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(&tls.roots));
            if let Some((certificate, key)) = &tls.identity {
                config = config.identity(Identity::from_pem(certificate, key));
            }
            endpoint = endpoint.tls_config(config)?;
        }
        let mut grpc = Grpc::new(endpoint.connect_lazy());
        if to.gzip {
            grpc = grpc.send_compressed(CompressionEncoding::Gzip).accept_compressed(CompressionEncoding::Gzip);
        }
        let headers = MetadataMap::from_headers(to.headers.clone());
        Ok(Self { signal: to.signal, grpc: Box::new(grpc), headers })
    }

    pub(super) async fn send(&mut self, body: [Bytes; 2]) -> Result<u64, Failure> {
        let not_ready = |fault: tonic::transport::Error| Failure { fault: told(&fault), may_pass: true, pause: None };
        self.grpc.ready().await.map_err(not_ready)?;
        let mut request = Request::new(body);
        *request.metadata_mut() = self.headers.clone();
        let method = http::uri::PathAndQuery::from_static(self.signal.method());
        let answer = self.grpc.unary(request, method, Encoded).await.map_err(|status| refused(&status))?;
        Ok(Answer::rejected(answer.into_inner(), self.signal))
    }
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
    let mut fault = format!("{:?}: {}", status.code(), status.message());
    if let Some(below) = std::error::Error::source(status) {
        fault = format!("{fault}: {}", told(below));
    }
    Failure { fault, may_pass, pause }
}

/// What lies beneath says more than what lies above: connection refused, not transport error.
fn told(fault: &dyn std::error::Error) -> String {
    let mut text = fault.to_string();
    let mut cause = fault.source();
    while let Some(below) = cause {
        text = format!("{text}: {below}");
        cause = below.source();
    }
    text
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

//! `opentelemetry.proto.collector.trace.v1.TraceService/Export`.
//!
//! It is one unary call, so that the frames of gRPC are read and written here, within this program's own bounds; see
//! <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>.

use std::{fmt::Write as _, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode,
    body::Incoming,
    header::{CONTENT_TYPE, HeaderValue},
};

use super::{Partial, Receiver, body::Held, refusal::Refusal};
use crate::http::{Answer, Body, answer};

const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
/// Before each message: whether it is packed, and its length.
const PREFIX: usize = 5;
const UNIMPLEMENTED: u32 = 12;

/// The gRPC endpoint.
#[derive(Clone, Debug)]
pub(crate) struct Grpc(pub Arc<Receiver>);

impl Answer for Grpc {
    async fn answer(&self, request: Request<&mut Incoming>) -> Response<Body> {
        let content_type = request.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
        if request.method() != Method::POST || !content_type.starts_with(b"application/grpc") {
            return answer(StatusCode::UNSUPPORTED_MEDIA_TYPE, "text/plain", "this port speaks gRPC\n");
        }
        if request.uri().path() != EXPORT {
            return failed(UNIMPLEMENTED, "only traces are taken here", None);
        }
        match self.export(request).await {
            Ok(partial) => succeeded(&partial),
            Err(refusal) => {
                self.0.count(&refusal);
                failed(refusal.code(), &refusal.to_string(), Some(&refusal.message()))
            }
        }
    }
}

impl Grpc {
    async fn export(&self, request: Request<&mut Incoming>) -> Result<Partial, Refusal> {
        let (parts, body) = request.into_parts();
        let encoding = parts.headers.get("grpc-encoding").map_or("identity", |value| value.to_str().unwrap_or("?"));
        if !matches!(encoding, "gzip" | "identity") {
            return Err(Refusal::Encoding(encoding.to_owned()));
        }
        let message = self.unframe(self.0.read(body, PREFIX).await?, encoding)?;
        self.0.take(&message.bytes)
    }

    fn unframe(&self, mut held: Held, encoding: &str) -> Result<Held, Refusal> {
        let malformed = |what: &str| Refusal::Malformed(what.to_owned());
        let Some(([packed, length @ ..], message)) = held.bytes.split_first_chunk::<PREFIX>() else {
            return Err(malformed("there is no message"));
        };
        if u32::from_be_bytes(*length) as usize != message.len() {
            return Err(malformed("there is not one message of the length that is said before it"));
        }
        let packed = *packed;
        held.bytes = held.bytes.slice(PREFIX..);
        match (packed, encoding) {
            (0, _) => Ok(held),
            (1, "gzip") => self.0.unpack(held),
            _ => Err(malformed("the message is packed, and not said to be")),
        }
    }
}

fn succeeded(partial: &Partial) -> Response<Body> {
    let message = partial.message();
    let mut frame = vec![0];
    frame.extend_from_slice(&(message.len() as u32).to_be_bytes());
    frame.extend_from_slice(&message);
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let body = Full::new(Bytes::from(frame)).with_trailers(std::future::ready(Some(Ok(trailers))));
    response(body.boxed_unsync())
}

fn failed(code: u32, message: &str, details: Option<&[u8]>) -> Response<Body> {
    let mut response = response(Full::default().boxed_unsync());
    let headers = response.headers_mut();
    headers.insert("grpc-status", code.into());
    let texts =
        [("grpc-message", percent(message)), ("grpc-status-details-bin", details.map_or_else(String::new, base64))];
    for (name, text) in texts {
        if let (false, Ok(value)) = (text.is_empty(), HeaderValue::from_str(&text)) {
            headers.insert(name, value);
        }
    }
    response
}

fn response(body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response.headers_mut().insert("grpc-accept-encoding", HeaderValue::from_static("identity,gzip"));
    response
}

fn base64(bytes: &[u8]) -> String {
    STANDARD_NO_PAD.encode(bytes)
}

/// What isn't printable, as gRPC writes it in headers.
fn percent(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' '..=b'~' if byte != b'%' => escaped.push(byte.into()),
            // Writing to a text can't fail.
            _ => _ = write!(escaped, "%{byte:02X}"),
        }
    }
    escaped
}

//! `POST /v1/traces`.

use std::sync::Arc;

use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{ALLOW, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER},
};

use super::{
    Partial, Receiver, json,
    refusal::{self, Refusal},
};
use crate::http::{Answer, Body, answer};

/// The HTTP endpoint.
#[derive(Clone, Debug)]
pub(crate) struct Http(pub Arc<Receiver>);

/// How a message is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Protobuf,
    Json,
}

impl Answer for Http {
    async fn answer(&self, request: Request<&mut Incoming>) -> Response<Body> {
        if request.uri().path() != "/v1/traces" {
            return answer(StatusCode::NOT_FOUND, "text/plain", "only /v1/traces is here\n");
        }
        if request.method() != Method::POST {
            let mut response = answer(StatusCode::METHOD_NOT_ALLOWED, "text/plain", "only POST\n");
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
            return response;
        }
        // A client that names no known type is told in the one that people can read.
        let (encoding, taken) = match Encoding::of(request.headers()) {
            Ok(encoding) => (encoding, self.export(request, encoding).await),
            Err(refusal) => (Encoding::Json, Err(refusal)),
        };
        match taken {
            Ok(partial) => answer(StatusCode::OK, encoding.media_type(), encoding.partial(&partial)),
            Err(refusal) => {
                self.0.count(&refusal);
                let mut response = answer(refusal.status(), encoding.media_type(), encoding.refusal(&refusal));
                if matches!(refusal, Refusal::Busy) {
                    response.headers_mut().insert(RETRY_AFTER, refusal::RETRY_AFTER.as_secs().into());
                }
                response
            }
        }
    }
}

impl Http {
    async fn export(&self, request: Request<&mut Incoming>, encoding: Encoding) -> Result<Partial, Refusal> {
        let (parts, body) = request.into_parts();
        let packing = header(&parts.headers, &CONTENT_ENCODING);
        if !matches!(packing, "" | "gzip" | "identity") {
            return Err(Refusal::Encoding(packing.to_owned()));
        }
        let mut held = self.0.read(body, 0).await?;
        if packing == "gzip" {
            held = self.0.unpack(held)?;
        }
        match encoding {
            Encoding::Protobuf => self.0.take(&held.bytes),
            Encoding::Json => self.0.take(&json::to_protobuf(&held.bytes)?),
        }
    }
}

impl Encoding {
    fn of(headers: &HeaderMap) -> Result<Self, Refusal> {
        let given = header(headers, &CONTENT_TYPE);
        match given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
            "application/x-protobuf" => Ok(Self::Protobuf),
            "application/json" => Ok(Self::Json),
            _ => Err(Refusal::MediaType(given.to_owned())),
        }
    }

    fn media_type(self) -> &'static str {
        match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }

    fn partial(self, partial: &Partial) -> Vec<u8> {
        match (self, &partial.message) {
            (Self::Protobuf, _) => partial.message(),
            (Self::Json, None) => b"{\"partialSuccess\":{}}".to_vec(),
            // 64-bit numbers are texts in protobuf's JSON.
            (Self::Json, Some(message)) => serde_json::json!({
                "partialSuccess": { "rejectedSpans": partial.rejected.to_string(), "errorMessage": message },
            })
            .to_string()
            .into(),
        }
    }

    fn refusal(self, refusal: &Refusal) -> Vec<u8> {
        match self {
            Self::Protobuf => refusal.message(),
            Self::Json => {
                serde_json::json!({ "code": refusal.code(), "message": refusal.to_string() }).to_string().into()
            }
        }
    }
}

fn header<'h>(headers: &'h HeaderMap, name: &HeaderName) -> &'h str {
    headers.get(name).map_or("", |value| value.to_str().unwrap_or("?"))
}

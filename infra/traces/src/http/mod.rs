//! What all three ports have in common.

mod query;
mod server;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, combinators::UnsyncBoxBody};
use hyper::{
    Response, StatusCode,
    header::{CONTENT_TYPE, HeaderValue},
};

pub(crate) use self::query::{Query, decode_path};
pub(crate) use self::server::{Answer, Server};

/// The body of an answer.
pub(crate) type Body = UnsyncBoxBody<Bytes, std::convert::Infallible>;

/// An answer of this type.
pub(crate) fn answer(status: StatusCode, media_type: &'static str, body: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Full::new(body.into()).boxed_unsync());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

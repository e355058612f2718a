//! The trace a request belongs to.

use std::convert::Infallible;

use actix_web::{FromRequest, HttpMessage as _, HttpRequest, dev::Payload};
use futures::future::{Ready, ready};
use telemetry::context::TraceContext;

/// The context that the request's effects belong under, for what it writes and sends.
#[derive(Debug, Clone, Copy, Default)]
pub struct Trace(pub Option<TraceContext>);

impl FromRequest for Trace {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(request.extensions().get::<Self>().copied().unwrap_or_default()))
    }
}

impl From<Infallible> for crate::problem::ApiError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

//! What goes along with a request into all it causes, and what its span tells in the end.

use std::{convert::Infallible, time::Duration};

use actix_web::{FromRequest, HttpMessage as _, HttpRequest, dev::Payload};
use futures::future::{Ready, ready};
use telemetry::context::Carried;

/// What the request's effects belong under, and carry, for what it writes and sends.
#[derive(Debug, Clone, Default)]
pub struct Trace(pub Carried);

/// How long a request has waited for the decision that its caller prefers to wait for: put into the extensions of the
/// response, its span tells it.
#[derive(Debug, Clone, Copy)]
pub struct Waited(pub Duration);

impl FromRequest for Trace {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(request.extensions().get::<Self>().cloned().unwrap_or_default()))
    }
}

impl From<Infallible> for crate::problem::ApiError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

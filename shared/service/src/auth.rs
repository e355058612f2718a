//! The operator token: for what changes stock or settings by hand.

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE},
    web::Data,
};
use futures::future::{Ready, ready};

use crate::{
    config::Secret,
    problem::{ApiError, Kind},
};

/// What the server compares with; `None` lets nobody in.
#[derive(Debug, Clone)]
pub(crate) struct OperatorToken(pub(crate) Option<Secret>);

/// Proof that the request came with the operator token (RFC 6750, `Authorization: Bearer`). Stand it first among an
/// endpoint's arguments: then nothing of the request is looked at before.
#[derive(Debug, Clone, Copy)]
pub struct Operator;

impl FromRequest for Operator {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(check(request))
    }
}

fn check(request: &HttpRequest) -> Result<Operator, ApiError> {
    let Some(token) = request.app_data::<Data<OperatorToken>>().and_then(|data| data.0.as_ref()) else {
        return Err(refused("this service was started without PLUMBLINE_OPERATOR_TOKEN, so nobody may do this"));
    };
    let given = request.headers().get(AUTHORIZATION).map(HeaderValue::as_bytes);
    match given.and_then(|value| value.strip_prefix(b"Bearer ").or_else(|| value.strip_prefix(b"bearer "))) {
        None => Err(refused("this needs the header Authorization: Bearer with the operator token")),
        Some(given) if equal(given, token.expose().as_bytes()) => Ok(Operator),
        Some(_) => Err(refused("the operator token is not the one this service was started with")),
    }
}

fn refused(detail: &str) -> ApiError {
    ApiError::new(Kind::Unauthorized, detail)
        .with_header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"plumbline\""))
}

/// Compares in a time that depends on the lengths only.
fn equal(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

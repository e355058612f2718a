//! The `Idempotency-Key` header (IETF draft-ietf-httpapi-idempotency-key-header), as payment APIs have it: any text.

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use contracts::problem::Fault;
use futures::future::{Ready, ready};

use crate::problem::ApiError;

/// The header's name.
pub const HEADER: &str = "Idempotency-Key";
/// The most characters a key has.
pub const MAX_LENGTH: usize = 255;

/// The request's key, if it has one: 1 to 255 printable ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key(pub Option<String>);

impl FromRequest for Key {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let mut given = request.headers().get_all(HEADER);
        let key = match (given.next(), given.next()) {
            (None, _) => Ok(Self(None)),
            (Some(value), None) => check(value.as_bytes()).map(|key| Self(Some(key.to_owned()))),
            (Some(_), Some(_)) => Err("may stand once only".to_owned()),
        };
        ready(key.map_err(|detail| ApiError::invalid(vec![Fault::parameter(HEADER, detail)])))
    }
}

fn check(value: &[u8]) -> Result<&str, String> {
    if value.is_empty() {
        return Err("must not be empty; leave the header out for a request without a key".to_owned());
    }
    if value.len() > MAX_LENGTH {
        return Err(format!("must have at most {MAX_LENGTH} characters, has {}", value.len()));
    }
    std::str::from_utf8(value)
        .ok()
        .filter(|key| key.bytes().all(|b| (b' '..=b'~').contains(&b)))
        .ok_or_else(|| "may hold printable ASCII characters only".to_owned())
}

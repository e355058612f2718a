//! The problems that endpoints answer with, for the description of the API.

use contracts::problem::Problem;
use utoipa::IntoResponses;

/// Of every endpoint.
#[derive(Debug, IntoResponses)]
pub enum Any {
    /// Not valid; `errors` has every fault
    #[response(status = 400, content_type = "application/problem+json")]
    Invalid(Problem),
    /// A fault of the service
    #[response(status = 500, content_type = "application/problem+json")]
    Internal(Problem),
    /// Not now; to be sent again, best with an `Idempotency-Key`
    #[response(
        status = 503,
        content_type = "application/problem+json",
        headers(("Retry-After" = u64, description = "Seconds"))
    )]
    Unavailable(Problem),
}

/// Of endpoints of one order.
#[derive(Debug, IntoResponses)]
pub enum OfOne {
    /// No such order
    #[response(status = 404, content_type = "application/problem+json")]
    NotFound(Problem),
}

/// Of placing an order.
#[derive(Debug, IntoResponses)]
pub enum OfPlacing {
    /// The body has over 1 MiB
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(Problem),
    /// The body is not JSON
    #[response(status = 415, content_type = "application/problem+json")]
    UnsupportedMediaType(Problem),
    /// The `Idempotency-Key` was used with another request
    #[response(status = 422, content_type = "application/problem+json")]
    KeyReused(Problem),
}

/// Of cancelling an order.
#[derive(Debug, IntoResponses)]
pub enum OfCancelling {
    /// The order was rejected
    #[response(status = 409, content_type = "application/problem+json")]
    Conflict(Problem),
}

//! Problem details over HTTP (RFC 9457): every kind of problem, with its status and title, in one table.

use std::fmt;

use actix_web::{
    HttpResponse, ResponseError,
    http::{
        StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
};
use contracts::{
    Lacking,
    problem::{Fault, MEDIA_TYPE, Problem},
};

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $status:literal, $urn:literal, $title:literal;)+) => {
        /// A kind of problem.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Kind { $($(#[$doc])* $kind,)+ }

        impl Kind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$kind),+];

            fn facts(self) -> (u16, &'static str, &'static str) {
                match self { $(Self::$kind => ($status, concat!("urn:plumbline:problem:", $urn), $title),)+ }
            }
        }
    };
}

kinds! {
    /// The request can't be understood, or its content is not what it should be.
    InvalidRequest = 400, "invalid-request", "The request is not valid";
    /// The operator token is missing or wrong.
    Unauthorized = 401, "unauthorized", "Operator token needed";
    /// There is no such thing.
    NotFound = 404, "not-found", "Not found";
    /// The resource has no such method.
    MethodNotAllowed = 405, "method-not-allowed", "Method not allowed";
    /// What is asked for does not go with the state things are in.
    Conflict = 409, "conflict", "Not possible in this state";
    /// Lines lack stock.
    InsufficientStock = 409, "insufficient-stock", "Not enough in stock";
    /// The body is too large.
    TooLarge = 413, "too-large", "Body too large";
    /// The body is not JSON by its content type.
    UnsupportedMediaType = 415, "unsupported-media-type", "Content type not supported";
    /// The idempotency key was used with another request.
    KeyReused = 422, "idempotency-key-reused", "Idempotency key reused with another request";
    /// A fault of ours.
    Internal = 500, "internal", "Internal error";
    /// Something we need does not answer; the request may be sent again.
    Unavailable = 503, "unavailable", "Not available at the moment";
}

impl Kind {
    /// Its HTTP status.
    pub fn status(self) -> StatusCode {
        StatusCode::from_u16(self.facts().0).expect("the table holds HTTP statuses")
    }
}

/// An error of a request, as it is answered.
#[derive(Debug)]
pub struct ApiError {
    kind: Kind,
    detail: String,
    errors: Vec<Fault>,
    lacking: Vec<Lacking>,
    header: Option<Box<(HeaderName, HeaderValue)>>,
}

impl ApiError {
    /// A problem of a kind. `detail` says what is wrong this time, and how to mend it.
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), errors: Vec::new(), lacking: Vec::new(), header: None }
    }

    /// 400 with every fault of the input.
    pub fn invalid(errors: Vec<Fault>) -> Self {
        let detail = match errors.len() {
            1 => "1 fault in the request; see errors".to_owned(),
            n => format!("{n} faults in the request; see errors"),
        };
        Self { errors, ..Self::new(Kind::InvalidRequest, detail) }
    }

    /// 404.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(Kind::NotFound, detail)
    }

    /// 409.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(Kind::Conflict, detail)
    }

    /// 409 with each line that lacks.
    pub fn insufficient_stock(lacking: Vec<Lacking>) -> Self {
        let detail = "nothing is reserved, because not all of it can be; see lacking";
        Self { lacking, ..Self::new(Kind::InsufficientStock, detail) }
    }

    /// 503, to be tried again after a second.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(Kind::Unavailable, detail).with_header(header::RETRY_AFTER, HeaderValue::from_static("1"))
    }

    /// 500. What happened goes to the log and not to the caller.
    pub fn internal(error: impl fmt::Display) -> Self {
        tracing::error!(%error, "request failed");
        Self::new(Kind::Internal, "the request failed for a reason that is not yours; it is in the service's log")
    }

    /// What a database did not do: 503 where the same may work later, else 500. Why goes to the log and not to the caller.
    pub fn database(error: impl fmt::Display, passes: bool) -> Self {
        if !passes {
            return Self::internal(error);
        }
        tracing::warn!(%error, "request failed");
        Self::unavailable("the database does not answer at the moment")
    }

    /// Adds a header to the answer.
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.header = Some(Box::new((name, value)));
        self
    }

    /// Its kind.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The body that is sent.
    pub fn problem(&self) -> Problem {
        let (status, kind, title) = self.kind.facts();
        Problem {
            kind: kind.to_owned(),
            title: title.to_owned(),
            status,
            detail: self.detail.clone(),
            errors: self.errors.clone(),
            lacking: self.lacking.clone(),
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.facts().2, self.detail)
    }
}

impl std::error::Error for ApiError {}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.kind.status()
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        if let Some(header) = &self.header {
            response.insert_header((header.0.clone(), header.1.clone()));
        }
        let body = serde_json::to_vec(&self.problem()).expect("problems hold texts and numbers only");
        response.content_type(MEDIA_TYPE).body(body)
    }
}

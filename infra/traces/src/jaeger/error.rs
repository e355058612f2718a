//! What can be wrong with a question.

use hyper::StatusCode;

/// In Jaeger's words, as far as anybody might look for them.
#[derive(Debug, thiserror::Error)]
pub(super) enum ApiError {
    #[error("trace not found")]
    NoTrace,
    #[error("no such path")]
    NoPath,
    #[error("method not allowed")]
    Method,
    #[error("metrics querying is currently disabled")]
    NoMetrics,
    #[error("parameter '{0}' is required")]
    Required(&'static str),
    #[error("unable to parse param '{name}': {fault}")]
    Parameter { name: &'static str, fault: String },
    #[error("cannot parse traceID param: {0}")]
    TraceIds(String),
    #[error("{0}")]
    Id(String),
    #[error("malformed 'tag' parameter, expecting key:value, received: {0}")]
    Tag(String),
    #[error("malformed 'tags' parameter, cannot unmarshal JSON: {0}")]
    Tags(serde_json::Error),
    #[error("'maxDuration' should be greater than 'minDuration'")]
    Durations,
    #[error("the limit is {0}: it must be from 1 to {most}", most = super::parameters::MOST)]
    Limit(i64),
}

impl ApiError {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::NoTrace | Self::NoPath => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::NoMetrics => StatusCode::NOT_IMPLEMENTED,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

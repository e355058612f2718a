//! Why a request is refused as a whole, and how either protocol says so.

use std::time::Duration;

use hyper::StatusCode;

use crate::wire::{Malformed, Writer};

/// When a client may try again that came while there was no room.
pub(super) const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Why a request is refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    /// Trying again would not help.
    #[error("the request can't be read: {0}")]
    Malformed(String),
    /// It went on behind a bound.
    #[error("the request is larger than {limit} bytes {what}")]
    TooLarge {
        /// The bound.
        limit: usize,
        /// Of what.
        what: &'static str,
    },
    /// Too much is being taken at the moment.
    #[error("too many bytes are being taken; try again later")]
    Busy,
    /// Not a type that traces come in.
    #[error("the content type is {0:?}")]
    MediaType(String),
    /// Not a way of packing that is known.
    #[error("the content encoding {0:?} is not supported; gzip and identity are")]
    Encoding(String),
    /// The client went away.
    #[error("the request ended before it was complete")]
    Broken,
    /// The client took too long.
    #[error("the request did not arrive in time")]
    Late,
}

impl From<Malformed> for Refusal {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed.to_string())
    }
}

impl Refusal {
    /// gRPC's code.
    pub(super) fn code(&self) -> u32 {
        match self {
            Self::Malformed(_) | Self::Broken => 3,
            Self::Late => 4,
            Self::TooLarge { .. } => 8,
            Self::MediaType(_) | Self::Encoding(_) => 12,
            Self::Busy => 14,
        }
    }

    /// HTTP's.
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Malformed(_) | Self::Broken => StatusCode::BAD_REQUEST,
            Self::Late => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::MediaType(_) | Self::Encoding(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// A `google.rpc.Status`. One that may be tried again holds a `google.rpc.RetryInfo`.
    pub(super) fn message(&self) -> Vec<u8> {
        let mut status = Writer::default();
        status.varint(1, self.code().into());
        status.bytes(2, self.to_string().as_bytes());
        if matches!(self, Self::Busy) {
            let mut retry = Writer::default();
            retry.message(1, |delay| delay.varint(1, RETRY_AFTER.as_secs()));
            status.message(3, |any| {
                any.bytes(1, b"type.googleapis.com/google.rpc.RetryInfo");
                any.bytes(2, &retry.finish());
            });
        }
        status.finish()
    }
}

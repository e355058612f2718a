//! Errors over HTTP: problem details (RFC 9457).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Lacking;

/// The media type of [`Problem`].
pub const MEDIA_TYPE: &str = "application/problem+json";

/// Problem details as RFC 9457 has them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// What kind of problem: a URI that stays the same, for example `urn:plumbline:problem:invalid-request`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in a few words; the same for every problem of it.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong this time, and how to mend it.
    pub detail: String,
    /// For bad input: each fault and where it stands.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Fault>,
    /// For a reservation that can't be made: each line that lacks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lacking: Vec<Lacking>,
}

/// One fault of the input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Fault {
    /// Where: a JSON pointer (RFC 6901) into the body, empty for the whole of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "/lines/0/sku")]
    pub pointer: Option<String>,
    /// Where: a header, or a parameter of the path or query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "limit")]
    pub parameter: Option<String>,
    /// What is wrong with it, and what would be right.
    pub detail: String,
}

impl Fault {
    /// A fault in the body, at a JSON pointer.
    pub fn at(pointer: impl Into<String>, detail: impl ToString) -> Self {
        Self { pointer: Some(pointer.into()), parameter: None, detail: detail.to_string() }
    }

    /// A fault in a header, or a parameter of the path or query.
    pub fn parameter(name: impl Into<String>, detail: impl ToString) -> Self {
        Self { pointer: None, parameter: Some(name.into()), detail: detail.to_string() }
    }
}

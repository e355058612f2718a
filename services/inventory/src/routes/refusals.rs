//! Answers that many endpoints have in common, for their description.

use std::collections::BTreeMap;

use contracts::problem::{MEDIA_TYPE, Problem};
use utoipa::{
    IntoResponses, ToSchema as _,
    openapi::{Content, Ref, RefOr, Response, ResponseBuilder},
};

/// What any endpoint may answer.
pub(super) enum Unanswered {}

impl IntoResponses for Unanswered {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        [refusal("500", "A fault of the service"), refusal("503", "Not now; send it again after `Retry-After`")].into()
    }
}

/// What an endpoint with parameters may answer.
pub(super) enum Invalid {}

impl IntoResponses for Invalid {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        [refusal("400", "Not valid; `errors` has every fault")].into()
    }
}

/// What an endpoint with a body may answer.
pub(super) enum BadBody {}

impl IntoResponses for BadBody {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        [refusal("413", "Over 1 MiB"), refusal("415", "Not JSON")].into()
    }
}

fn refusal(status: &str, description: &str) -> (String, RefOr<Response>) {
    let problem = Content::new(Some(Ref::from_schema_name(Problem::name())));
    let response = ResponseBuilder::new().description(description).content(MEDIA_TYPE, problem).build();
    (status.to_owned(), response.into())
}

//! `Prefer: wait=N` (RFC 7240).

use std::time::Duration;

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use contracts::problem::Fault;
use futures::future::{Ready, ready};

use crate::problem::ApiError;

/// The longest wait, in seconds.
pub const MAX_SECONDS: u64 = 30;

/// How long the caller would wait for the final state, if at all. Other preferences are left alone, as the RFC has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait(pub Option<Duration>);

impl FromRequest for Wait {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let values = request.headers().get_all("Prefer").filter_map(|value| value.to_str().ok());
        ready(find(values).map(Self).map_err(|fault| ApiError::invalid(vec![fault])))
    }
}

fn find<'a>(values: impl Iterator<Item = &'a str>) -> Result<Option<Duration>, Fault> {
    for preference in values.flat_map(|value| value.split(',')) {
        let preference = preference.split(';').next().unwrap_or_default();
        let (name, value) = preference.split_once('=').unwrap_or((preference, ""));
        if name.trim().eq_ignore_ascii_case("wait") {
            let value = value.trim().trim_matches('"');
            return match value.parse::<u64>() {
                Ok(seconds) if seconds <= MAX_SECONDS => Ok(Some(Duration::from_secs(seconds))),
                _ => Err(Fault::parameter("Prefer", format!("wait must be 0 to {MAX_SECONDS} seconds, not {value:?}"))),
            };
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_wait_among_other_preferences() {
        assert_eq!(find(["respond-async, wait=10"].into_iter()), Ok(Some(Duration::from_secs(10))));
        assert_eq!(find(["return=minimal"].into_iter()), Ok(None));
        assert_eq!(find(["return=minimal", "Wait = \"3\""].into_iter()), Ok(Some(Duration::from_secs(3))));
        assert!(find(["wait=31"].into_iter()).is_err());
        assert!(find(["wait"].into_iter()).is_err());
    }
}

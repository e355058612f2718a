//! JSON bodies, with faults that say where.

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    error::PayloadError,
    http::header::CONTENT_TYPE,
    web::{Bytes, BytesMut},
};
use contracts::problem::Fault;
use futures::{StreamExt as _, future::LocalBoxFuture};
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use serde_path_to_error::{Path, Segment};

use crate::problem::{ApiError, Kind};

/// The largest body: 1 MiB.
pub const MAX_BYTES: usize = 1024 * 1024;

/// A JSON body read as `T`.
///
/// Answers 415 where the content type isn't JSON, 413 above [`MAX_BYTES`], and 400 for what isn't JSON (with line
/// and column) or isn't a `T` (with a JSON pointer, RFC 6901).
#[derive(Debug, Clone)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Json<T> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let checked = check_content_type(request).and_then(|()| check_length(request));
        let payload = payload.take();
        Box::pin(async move {
            checked?;
            parse(&read(payload).await?).map(Json)
        })
    }
}

fn check_content_type(request: &HttpRequest) -> Result<(), ApiError> {
    let given = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json")) {
        return Ok(());
    }
    let found = if given.is_empty() { "there is none".to_owned() } else { format!("it is {given:?}") };
    Err(ApiError::new(Kind::UnsupportedMediaType, format!("Content-Type must be application/json; {found}")))
}

fn check_length(request: &HttpRequest) -> Result<(), ApiError> {
    let length = request.headers().get("content-length").and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > MAX_BYTES) { Err(too_large()) } else { Ok(()) }
}

fn too_large() -> ApiError {
    ApiError::new(Kind::TooLarge, format!("a body may have at most {MAX_BYTES} bytes"))
}

async fn read(mut payload: Payload) -> Result<Bytes, ApiError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| match error {
            PayloadError::Overflow => too_large(),
            other => ApiError::new(Kind::InvalidRequest, format!("the body could not be read: {other}")),
        })?;
        if body.len() + chunk.len() > MAX_BYTES {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// Reads JSON; only where that fails is it read again, slower, to learn where.
fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(body).map_err(|error| match error.classify() {
        Category::Data => ApiError::invalid(vec![locate::<T>(body).unwrap_or_else(|| Fault::at("", error))]),
        _ if body.iter().all(u8::is_ascii_whitespace) => {
            ApiError::invalid(vec![Fault::at("", "the body is empty; a JSON object is expected")])
        }
        _ => ApiError::invalid(vec![Fault::at("", format!("malformed JSON: {error}"))]),
    })
}

fn locate<T: DeserializeOwned>(body: &[u8]) -> Option<Fault> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let error = serde_path_to_error::deserialize::<_, T>(&mut reader).err()?;
    Some(Fault::at(pointer(error.path()), error.inner()))
}

/// A path as a JSON pointer (RFC 6901).
fn pointer(path: &Path) -> String {
    path.iter().fold(String::new(), |pointer, segment| match segment {
        Segment::Seq { index } => format!("{pointer}/{index}"),
        Segment::Map { key } | Segment::Enum { variant: key } => {
            format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
        }
        Segment::Unknown => pointer,
    })
}

#[cfg(test)]
mod tests {
    use contracts::order::PlaceOrder;

    use super::*;

    fn fault(body: &str) -> Fault {
        let problem = parse::<PlaceOrder>(body.as_bytes()).unwrap_err().problem();
        assert_eq!(problem.errors.len(), 1);
        problem.errors[0].clone()
    }

    #[test]
    fn a_fault_says_where_it_is() {
        let cases = [
            (
                r#"{"lines": [{"sku": 5, "quantity": 1}]}"#,
                "/lines/0/sku",
                "invalid type: integer `5`, expected a string",
            ),
            (r#"{"lines": [], "colour": "red"}"#, "/colour", "unknown field `colour`"),
            (r#"{"customer_id": "17850"}"#, "", "missing field `lines`"),
            (r#"{"lines": "all"}"#, "/lines", "invalid type"),
            (r#"{"lines": [], "lines": []}"#, "", "duplicate field `lines`"),
            (r#"{"lines": [{"sku": "A", "quantity": "many"}]}"#, "/lines/0/quantity", "invalid"),
        ];
        for (body, pointer, detail) in cases {
            let fault = fault(body);
            assert_eq!(fault.pointer.as_deref(), Some(pointer), "{body}: {fault:?}");
            assert!(fault.detail.contains(detail), "{body}: {fault:?}");
        }
    }

    #[test]
    fn malformed_json_is_refused_with_line_and_column() {
        let deep = "[".repeat(10_000);
        let cases = [
            ("{\"lines\": [}", "line 1 column 12"),
            ("{\"lines\": []} more", "line 1 column 15"),
            ("\u{1}", "line 1 column 1"),
            ("{\"lines\":\n [,]}", "line 2 column 3"),
            (&deep, "line 1 column 1"),
        ];
        for (body, at) in cases {
            let detail = fault(body).detail;
            assert!(detail.contains(at), "{body:.20}: {detail}");
        }
        assert!(parse::<PlaceOrder>(b"{\"lines\": [], \"customer_id\": \"\xff\"}").is_err());
        assert!(fault("  ").detail.contains("empty"));
    }
}

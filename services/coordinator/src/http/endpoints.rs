//! The paths beside gRPC.

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Method, Response, StatusCode, header, http::request::Parts};
use tonic::body::Body;

use super::{checks, exposition};
use crate::{engine::Engine, version};

/// Answers `/health`, `/livez`, `/readyz`, `/version` and `/metrics`.
#[derive(Debug)]
pub struct Endpoints {
    pub(super) engine: Engine,
}

impl Endpoints {
    /// Of this engine.
    #[must_use]
    pub fn new(engine: Engine) -> Self {
        Self { engine }
    }

    pub(super) async fn answer(&self, request: &Parts) -> Response<Body> {
        let query = Query(request.uri.query().unwrap_or_default());
        let path = request.uri.path();
        let known = matches!(path, "/health" | "/version" | "/metrics") || is_check(path);
        if known && request.method != Method::GET && request.method != Method::HEAD {
            let mut refusal = text(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed\n");
            refusal.headers_mut().insert(header::ALLOW, header::HeaderValue::from_static("GET"));
            return refusal;
        }
        match path {
            "/health" => self.health(&query).await,
            "/version" => answer(StatusCode::OK, "application/json", version::json()),
            "/metrics" => {
                answer(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", exposition::text(&self.engine))
            }
            path if is_check(path) => self.check(path, &query).await,
            _ => text(StatusCode::NOT_FOUND, "404 page not found\n"),
        }
    }

    async fn health(&self, query: &Query<'_>) -> Response<Body> {
        match checks::health(&self.engine, query).await {
            Ok(()) => answer(StatusCode::OK, "text/plain; charset=utf-8", r#"{"health":"true","reason":""}"#),
            Err(reason) => {
                tracing::warn!(%reason, "/health error");
                let body = serde_json::json!({ "health": "false", "reason": reason.to_string() });
                text(StatusCode::SERVICE_UNAVAILABLE, format!("{body}\n"))
            }
        }
    }

    async fn check(&self, path: &str, query: &Query<'_>) -> Response<Body> {
        let (root, single) = path[1..].split_once('/').map_or((&path[1..], None), |(root, name)| (root, Some(name)));
        let checks = checks::of(root);
        let wanted = |name: &str| single.is_none_or(|single| single == name) && !query.has("exclude", name);
        if single.is_some_and(|single| !checks.contains(&single)) {
            return text(StatusCode::NOT_FOUND, "404 page not found\n");
        }
        let mut report = String::new();
        let mut failed = false;
        for name in checks.iter().filter(|name| wanted(name)) {
            match checks::run(&self.engine, name).await {
                Ok(()) => report.push_str(&format!("[+]{name} ok\n")),
                Err(reason) => {
                    failed = true;
                    report.push_str(&format!("[-]{name} failed: {reason}\n"));
                }
            }
        }
        match failed {
            true => text(StatusCode::SERVICE_UNAVAILABLE, report),
            false if query.has_key("verbose") => text(StatusCode::OK, format!("{report}ok\n")),
            false => text(StatusCode::OK, "ok\n"),
        }
    }
}

fn is_check(path: &str) -> bool {
    ["/livez", "/readyz"]
        .iter()
        .any(|root| path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

fn text(status: StatusCode, body: impl Into<Bytes>) -> Response<Body> {
    answer(status, "text/plain; charset=utf-8", body)
}

fn answer(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Body::new(Full::new(body.into())));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    response
}

/// What stands behind the question mark.
pub(super) struct Query<'a>(&'a str);

impl Query<'_> {
    /// Whether one of the values of `key` is this.
    pub(super) fn has(&self, key: &str, value: &str) -> bool {
        self.pairs().any(|pair| pair == (key, value))
    }

    fn has_key(&self, key: &str) -> bool {
        self.pairs().any(|(name, _)| name == key)
    }

    fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_taken_apart() {
        let query = Query("serializable=true&exclude=NOSPACE&exclude=CORRUPT&verbose");
        assert!(query.has("serializable", "true") && query.has("exclude", "CORRUPT") && query.has_key("verbose"));
        assert!(!query.has("exclude", "true") && !query.has_key("reason"));
    }

    #[test]
    fn checks_have_paths_of_their_own() {
        assert!(is_check("/livez") && is_check("/readyz/serializable_read"));
        assert!(!is_check("/livezz") && !is_check("/health"));
    }
}

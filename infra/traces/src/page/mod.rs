//! The page: one document and its script and style, which ask Jaeger's API.

use hyper::{
    Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderValue},
};

use crate::http::{Body, answer};

/// Nothing but what comes from here is run, shown or asked: what spans say is never a script, whatever they say.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A part of the page, where the path is one.
pub(crate) fn respond(path: &str) -> Option<Response<Body>> {
    let (media_type, text) = match path {
        "/" | "/search" => ("text/html; charset=utf-8", include_str!("index.html")),
        path if path.starts_with("/trace/") => ("text/html; charset=utf-8", include_str!("index.html")),
        "/static/search.js" => ("text/javascript; charset=utf-8", include_str!("search.js")),
        "/static/trace.js" => ("text/javascript; charset=utf-8", include_str!("trace.js")),
        "/static/shared.js" => ("text/javascript; charset=utf-8", include_str!("shared.js")),
        "/static/main.js" => ("text/javascript; charset=utf-8", include_str!("main.js")),
        "/static/style.css" => ("text/css; charset=utf-8", include_str!("style.css")),
        _ => return None,
    };
    let mut response = answer(StatusCode::OK, media_type, text);
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Some(response)
}

//! Requests about the stock of a product, at a level of consistency, and what their answers say of themselves.

use std::time::Duration;

use contracts::{
    Sku,
    consistency::{AGE_MS, Copy, LEVEL, Level, SERVED_BY, SESSION},
    stock::Adjust,
};
use hyper::{
    HeaderMap, Uri,
    header::{HeaderName, HeaderValue},
};

use crate::{
    OperatorToken,
    http::{Call, encoded, json, path},
};

/// A read.
pub(crate) fn look(sku: &Sku) -> Call {
    Call::get(place(sku, ""))
}

/// A write, which is made once under its key.
pub(crate) fn adjust(sku: &Sku, delta: i64, reason: &str, once: HeaderValue, token: &OperatorToken) -> Call {
    let body = json(&Adjust { delta: delta.into(), reason: reason.to_owned() });
    Call::post(place(sku, "/adjustments"), body).with_key(once).authorized(token.bearer())
}

fn place(sku: &Sku, what: &str) -> Uri {
    path(format!("/stock/{}{what}", encoded(sku.as_str())))
}

/// The same request at a level.
pub(crate) fn at_level(call: Call, level: Level) -> Call {
    call.with(name(LEVEL), HeaderValue::from_static(level.as_str()))
}

/// The same request in a session, if there is one yet.
pub(crate) fn in_session(call: Call, token: Option<&HeaderValue>) -> Call {
    match token {
        Some(token) => call.with(name(SESSION), token.clone()),
        None => call,
    }
}

/// The token of its session that an answer came with.
pub(crate) fn session(headers: &HeaderMap) -> Option<HeaderValue> {
    headers.get(SESSION).cloned()
}

/// By whom a read was served, and how old the answer is; else what is missing.
pub(crate) fn of_itself(headers: &HeaderMap) -> Result<(Copy, Duration), String> {
    let by = text(headers, SERVED_BY);
    let copy = [Copy::Cache, Copy::Replica, Copy::Primary].into_iter().find(|copy| copy.as_str() == by);
    let copy = copy.ok_or_else(|| format!("{SERVED_BY}: {by:?}"))?;
    let age = text(headers, AGE_MS);
    let age = age.parse().map_err(|_| format!("{AGE_MS}: {age:?}"))?;
    Ok((copy, Duration::from_millis(age)))
}

/// A header; nothing where there is none.
pub(crate) fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn name(header: &'static str) -> HeaderName {
    HeaderName::from_bytes(header.as_bytes()).expect("the names of our headers are header names")
}

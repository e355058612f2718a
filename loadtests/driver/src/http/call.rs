//! Requests as they can be sent again, and answers.

use bytes::Bytes;
use contracts::{OrderId, problem::Problem};
use http_body_util::Full;
use hyper::{
    HeaderMap, Method, Request, StatusCode, Uri,
    header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, HeaderValue, LOCATION},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::Target;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A request, built once and sent as often as it takes.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    method: Method,
    path: Uri,
    body: Bytes,
    key: Option<HeaderValue>,
    authorization: Option<HeaderValue>,
    more: Vec<(HeaderName, HeaderValue)>,
}

impl Call {
    pub(crate) fn get(path: Uri) -> Self {
        Self::new(Method::GET, path, Bytes::new())
    }

    pub(crate) fn post(path: Uri, body: Bytes) -> Self {
        Self::new(Method::POST, path, body)
    }

    pub(crate) fn put(path: Uri, body: Bytes) -> Self {
        Self::new(Method::PUT, path, body)
    }

    fn new(method: Method, path: Uri, body: Bytes) -> Self {
        Self { method, path, body, key: None, authorization: None, more: Vec::new() }
    }

    /// With one more header.
    pub(crate) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.more.push((name, value));
        self
    }

    pub(crate) fn with_key(self, key: HeaderValue) -> Self {
        Self { key: Some(key), ..self }
    }

    pub(crate) fn authorized(self, bearer: &HeaderValue) -> Self {
        Self { authorization: Some(bearer.clone()), ..self }
    }

    /// The idempotency key, or nothing for a request without.
    pub(crate) fn key(&self) -> &str {
        self.key.as_ref().and_then(|key| key.to_str().ok()).unwrap_or_default()
    }

    #[cfg(test)]
    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }

    pub(super) fn request(&self, target: &Target) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.path.clone();
        let headers = request.headers_mut();
        headers.insert(HOST, target.host().clone());
        if !self.body.is_empty() {
            headers.insert(CONTENT_TYPE, JSON);
        }
        if let Some(key) = &self.key {
            headers.insert(IDEMPOTENCY_KEY, key.clone());
        }
        if let Some(bearer) = &self.authorization {
            headers.insert(AUTHORIZATION, bearer.clone());
        }
        headers.extend(self.more.iter().cloned());
        request
    }
}

/// A body as JSON.
pub(crate) fn json(body: &impl Serialize) -> Bytes {
    Bytes::from(serde_json::to_vec(body).expect("bodies of the contracts have string keys and no failing serializer"))
}

/// A service's answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// The order an acknowledgement names: in `Location`, or else in the body.
    pub(crate) fn order_id(&self) -> Option<OrderId> {
        #[derive(Deserialize)]
        struct Named {
            id: OrderId,
        }
        let located =
            self.headers.get(LOCATION).and_then(|location| location.to_str().ok()?.rsplit('/').next()?.parse().ok());
        located.or_else(|| self.json::<Named>().ok().map(|order| order.id))
    }

    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }

    /// What a refusal says about itself.
    pub(crate) fn complaint(&self) -> String {
        match self.json::<Problem>() {
            Ok(problem) => {
                let faults = problem.errors.into_iter().map(|fault| {
                    format!("; {} {}", fault.pointer.or(fault.parameter).unwrap_or_default(), fault.detail)
                });
                std::iter::once(problem.detail).chain(faults.take(3)).collect()
            }
            Err(_) => String::from_utf8_lossy(&self.body).chars().take(200).collect(),
        }
    }
}

/// `text` as it may stand in a path's segment or a query's value (RFC 3986, unreserved characters kept).
pub(crate) fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            other => encoded.push_str(&format!("%{other:02X}")),
        }
    }
    encoded
}

/// A path and query made of [`encoded`] parts.
pub(crate) fn path(text: String) -> Uri {
    text.parse().expect("every part that isn't ASCII of its own is percent-encoded")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(location: Option<&'static str>, body: &'static str) -> Answer {
        Answer {
            status: StatusCode::ACCEPTED,
            headers: location.map(|location| (LOCATION, HeaderValue::from_static(location))).into_iter().collect(),
            body: Bytes::from_static(body.as_bytes()),
        }
    }

    #[test]
    fn an_acknowledgement_names_its_order() {
        let id = "0193e2a5-7c1e-7bd2-9a41-6f0e7ad2c9b3";
        let located = answer(Some("/orders/0193e2a5-7c1e-7bd2-9a41-6f0e7ad2c9b3"), "");
        assert_eq!(located.order_id().unwrap().to_string(), id);
        let in_body = answer(None, r#"{"id":"0193e2a5-7c1e-7bd2-9a41-6f0e7ad2c9b3","status":"PENDING"}"#);
        assert_eq!(in_body.order_id().unwrap().to_string(), id);
        assert_eq!(answer(Some("/orders"), "{}").order_id(), None);
    }

    #[test]
    fn names_are_encoded_for_paths() {
        assert_eq!(encoded("BANK CHARGES/1"), "BANK%20CHARGES%2F1");
        assert_eq!(path(format!("/stock/{}", encoded("£ é"))).path(), "/stock/%C2%A3%20%C3%A9");
    }
}

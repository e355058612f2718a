//! The port that people, Grafana and probes ask.

use std::sync::Arc;

use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{ALLOW, HeaderValue},
    http::request::Parts,
};
use serde::Serialize;
use tokio::sync::Semaphore;

use crate::{
    http::{Answer, Body, answer},
    jaeger, metrics,
    otlp::{Received, Receiver},
    page,
    store::{State, Store},
};

/// Questions that are answered at once; further ones wait.
const AT_ONCE: usize = 8;

/// The query endpoint.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    receiver: Arc<Receiver>,
    store: Arc<Store>,
    places: Arc<Semaphore>,
}

/// What `/state` tells: what the page shows beside the traces.
#[derive(Serialize)]
struct Overview {
    #[serde(flatten)]
    store: State,
    received: Received,
}

impl Endpoint {
    /// Answers out of this store, and tells about this receiver.
    #[must_use]
    pub(crate) fn new(receiver: Arc<Receiver>, store: Arc<Store>) -> Self {
        Self { receiver, store, places: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    fn other(&self, request: &Parts) -> Response<Body> {
        if request.method != Method::GET && request.method != Method::HEAD {
            let mut response = answer(StatusCode::METHOD_NOT_ALLOWED, "text/plain", "only GET\n");
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return response;
        }
        match request.uri.path() {
            "/livez" | "/healthz" => answer(StatusCode::OK, "text/plain", "alive\n"),
            // It listens only once it is: a file is read before.
            "/readyz" => answer(StatusCode::OK, "application/json", r#"{"ready":true,"parts":{}}"#),
            "/metrics" => {
                let text = metrics::text(&self.receiver, &self.store);
                answer(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", text)
            }
            "/state" => {
                let overview = Overview { store: self.store.state(), received: self.receiver.received() };
                answer(StatusCode::OK, "application/json", serde_json::to_vec(&overview).unwrap_or_default())
            }
            path => {
                page::respond(path).unwrap_or_else(|| answer(StatusCode::NOT_FOUND, "text/plain", "no such path\n"))
            }
        }
    }
}

impl Answer for Endpoint {
    async fn answer(&self, request: Request<&mut Incoming>) -> Response<Body> {
        let request = request.into_parts().0;
        if !request.uri.path().starts_with("/api/") {
            return self.other(&request);
        }
        let place = Arc::clone(&self.places).acquire_owned().await;
        let store = Arc::clone(&self.store);
        let answering = tokio::task::spawn_blocking(move || {
            let _place = place;
            jaeger::respond(&store, &request)
        });
        let mut response = answering.await.unwrap_or_else(|error| {
            tracing::error!(%error, "a question could not be answered");
            answer(StatusCode::INTERNAL_SERVER_ERROR, "text/plain", "see the log\n")
        });
        // An answer may lack what was dropped: who asks can know.
        response.headers_mut().insert("x-evicted-spans", self.store.evicted_spans().into());
        response
    }
}

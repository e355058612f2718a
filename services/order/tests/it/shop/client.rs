//! Speaking to an instance.

use std::net::SocketAddr;

use contracts::{
    OrderId,
    order::{Hop, Order, OrderStatus},
    page::Page,
    problem::Problem,
};
use reqwest::{Method, RequestBuilder, StatusCode, header::HeaderMap};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::until;

#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
}

/// A whole answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body).unwrap_or_else(|fault| panic!("{fault}: {self}"))
    }

    /// The order in it, of an answer with this status.
    #[track_caller]
    pub(crate) fn order(&self, status: u16) -> Order {
        assert_eq!(self.status.as_u16(), status, "{self}");
        self.json()
    }

    /// The problem in it, of an answer with this status.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16) -> Problem {
        assert_eq!(self.status.as_u16(), status, "{self}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self}");
        let problem: Problem = self.json();
        assert_eq!(problem.status, status, "{self}");
        assert!(problem.kind.starts_with("urn:plumbline:problem:"), "{self}");
        assert!(!problem.title.is_empty() && !problem.detail.is_empty(), "{self}");
        problem
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.status, String::from_utf8_lossy(&self.body))
    }
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        // No connection stays idle: a server that stops looks but once a second whether they are gone.
        let http = reqwest::Client::builder().pool_max_idle_per_host(0).build().unwrap();
        Self { http, base: format!("http://{address}") }
    }

    /// The instance's `host:port`.
    pub(crate) fn address(&self) -> String {
        self.base.trim_start_matches("http://").to_owned()
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base))
    }

    pub(crate) async fn send(&self, request: RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        Answer { status, headers, body: response.bytes().await.unwrap().to_vec() }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    /// Places an order with some headers.
    pub(crate) async fn post(&self, body: &Value, headers: &[(&str, &str)]) -> Answer {
        let request = self.request(Method::POST, "/orders").json(body);
        self.send(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
    }

    /// Places an order of these lines.
    pub(crate) async fn place(&self, lines: &[(&str, i64)]) -> Order {
        self.post(&wanted(lines), &[]).await.order(202)
    }

    pub(crate) async fn read(&self, id: OrderId) -> Order {
        self.get(&format!("/orders/{id}")).await.order(200)
    }

    pub(crate) async fn cancel(&self, id: OrderId) -> Answer {
        self.send(self.request(Method::POST, &format!("/orders/{id}/cancel"))).await
    }

    pub(crate) async fn timeline(&self, id: OrderId) -> Vec<Hop> {
        let page: Page<Hop> = self.get(&format!("/orders/{id}/timeline")).await.json();
        assert_eq!(page.next_cursor, None);
        page.items
    }

    /// The order, when it has come into this status.
    pub(crate) async fn until(&self, id: OrderId, status: OrderStatus) -> Order {
        until(&format!("order {id} to be {status}"), || async {
            Some(self.read(id).await).filter(|order| order.status == status)
        })
        .await
    }

    /// Waits until it takes orders.
    pub(crate) async fn ready(&self) {
        until("the service to be ready", || async {
            let answer = self.request(Method::GET, "/readyz").send().await.ok()?;
            answer.status().is_success().then_some(())
        })
        .await;
    }
}

/// The body of an order of these lines.
pub(crate) fn wanted(lines: &[(&str, i64)]) -> Value {
    let lines: Vec<_> = lines.iter().map(|(sku, quantity)| json!({"sku": sku, "quantity": quantity})).collect();
    json!({"customer_id": "17850", "lines": lines})
}

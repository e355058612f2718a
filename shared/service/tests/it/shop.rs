//! A server with an endpoint for each thing that the tests look at.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use actix_web::{
    HttpResponse, Responder,
    web::{self, Data},
};
use contracts::{OrderId, order::PlaceOrder};
use serde_json::json;
use service::{
    Resource,
    auth::Operator,
    body::Json,
    config::{Http, Secret},
    context::Trace,
    health::Health,
    http::{self, Running},
    idempotency::Key,
    parameters::{self, Query},
    prefer::Wait,
    problem::ApiError,
};
use telemetry::{Telemetry, logs};
use tokio::sync::Notify;
use utoipa::OpenApi;

pub(crate) const TOKEN: &str = "hush-hush";

#[derive(OpenApi)]
#[openapi(info(title = "A shop for tests", version = "1"), paths(place))]
struct Api;

/// A shop that serves.
pub(crate) struct Shop {
    running: Running,
    pub(crate) health: Health,
    /// What `GET /slow` waits for, and what it says when it has begun.
    pub(crate) slow: Arc<Slow>,
}

#[derive(Debug, Default)]
pub(crate) struct Slow {
    pub(crate) begun: Notify,
    pub(crate) go_on: Notify,
}

impl Shop {
    pub(crate) fn open() -> Self {
        Self::with(Some(TOKEN), Duration::from_secs(10))
    }

    pub(crate) fn with(token: Option<&str>, drain: Duration) -> Self {
        // Before the first instrument is made: those that are made earlier count nothing.
        let _traces = telemetry::init(Telemetry {
            service_name: "shop",
            instance_id: "test".to_owned(),
            log_filter: logs::Filter::default(),
            log_format: logs::Format::default(),
        })
        .unwrap();
        let config = Http {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            workers: 1,
            drain,
            operator_token: token.map(Secret::new),
        };
        let (health, slow) = (Health::default(), Arc::new(Slow::default()));
        let data = Data::from(Arc::clone(&slow));
        let routes = move |config: &mut web::ServiceConfig| {
            config
                .app_data(data.clone())
                .service(Resource::at("/orders").get(list).post(place))
                .service(Resource::at("/orders/{id}").get(read))
                .service(Resource::at("/anything").post(anything))
                .service(Resource::at("/stock").put(adjust))
                .service(Resource::at("/trace").get(trace))
                .service(Resource::at("/panic").get(panicking))
                .service(Resource::at("/internal").get(internal))
                .service(Resource::at("/slow").get(slowly));
        };
        let running = http::serve(&config, &health, Api::openapi(), routes).unwrap();
        Self { running, health, slow }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.running.address()
    }

    pub(crate) async fn close(self) {
        self.running.stop().await;
    }
}

/// Places an order.
#[utoipa::path(post, path = "/orders", request_body = PlaceOrder, responses((status = 202, description = "Accepted")))]
async fn place(key: Key, wait: Wait, body: Json<PlaceOrder>) -> impl Responder {
    let seconds = wait.0.map(|wait| wait.as_secs());
    HttpResponse::Accepted().json(json!({ "lines": body.0.lines.len(), "key": key.0, "wait": seconds }))
}

async fn list(mut query: Query) -> Result<impl Responder, ApiError> {
    let (limit, skus) = (query.limit(50, 200), query.all::<contracts::Sku>("sku"));
    query.finish()?;
    Ok(HttpResponse::Ok().json(json!({ "limit": limit, "skus": skus })))
}

async fn read(id: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: OrderId = parameters::path("id", &id)?;
    Err(ApiError::not_found(format!("there is no order {id}")))
}

async fn anything(body: Json<serde_json::Value>) -> impl Responder {
    HttpResponse::Ok().json(body.0)
}

async fn adjust(_: Operator) -> impl Responder {
    HttpResponse::NoContent()
}

async fn trace(trace: Trace) -> impl Responder {
    HttpResponse::Ok().json(trace.0.trace.map(|context| context.to_string()))
}

async fn panicking() -> HttpResponse {
    panic!("a handler with a secret in its text");
}

async fn internal() -> Result<HttpResponse, ApiError> {
    Err(ApiError::internal("a database with a secret in its address"))
}

async fn slowly(slow: Data<Slow>) -> impl Responder {
    slow.begun.notify_one();
    slow.go_on.notified().await;
    HttpResponse::Ok().body("done")
}

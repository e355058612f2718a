//! The HTTP server, the same for every service.

use std::{io, net::SocketAddr, time::Duration};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    dev::ServerHandle,
    http::header,
    middleware::from_fn,
    web::{self, Data, PayloadConfig, ServiceConfig},
};
use telemetry::metrics::Exposition;
use tokio::task::JoinHandle;
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::SwaggerUi;

use crate::{
    auth::OperatorToken,
    body::MAX_BYTES,
    config::Http,
    health::{Health, livez, readyz},
    observe::observe,
    resource::Resource,
};

/// Load drivers and proxies keep connections; actix would close them after 5 s.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// A server that serves.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    handle: ServerHandle,
    task: JoinHandle<io::Result<()>>,
}

impl Running {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more connections, lets requests in hand end within the drain bound, and ends.
    pub async fn stop(self) {
        self.handle.stop(true).await;
        if let Ok(Err(error)) = self.task.await {
            tracing::warn!(%error, "HTTP server");
        }
    }
}

/// Serves a service's own routes and, beside them, `/livez`, `/readyz`, `/metrics`, `/openapi.json` and the API's
/// page at `/docs/`.
///
/// # Errors
/// When the address can't be bound.
pub fn serve<F>(config: &Http, health: &Health, openapi: OpenApi, routes: F) -> io::Result<Running>
where
    F: Fn(&mut ServiceConfig) + Clone + Send + 'static,
{
    let health = Data::new(health.clone());
    let token = Data::new(OperatorToken(config.operator_token.clone()));
    let server = HttpServer::new(move || {
        App::new()
            .wrap(from_fn(observe))
            .app_data(health.clone())
            .app_data(token.clone())
            .app_data(PayloadConfig::new(MAX_BYTES))
            .configure(routes.clone())
            .service(Resource::at("/livez").get(livez))
            .service(Resource::at("/readyz").get(readyz))
            .service(Resource::at("/metrics").get(metrics))
            .service(web::redirect("/docs", "/docs/"))
            .service(SwaggerUi::new("/docs/{_:.*}").url("/openapi.json", openapi.clone()))
    })
    .workers(config.workers)
    .keep_alive(KEEP_ALIVE)
    .shutdown_timeout(config.drain.as_secs())
    .disable_signals()
    .bind(config.listen)
    .map_err(|error| io::Error::new(error.kind(), format!("PLUMBLINE_LISTEN={}: {error}", config.listen)))?;
    let address = server.addrs()[0];
    let server = server.run();
    let handle = server.handle();
    Ok(Running { address, handle, task: tokio::spawn(server) })
}

async fn metrics(request: HttpRequest) -> HttpResponse {
    let accept = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let Exposition { content_type, text } = telemetry::metrics::exposition(accept);
    HttpResponse::Ok().content_type(content_type).insert_header((header::VARY, "Accept")).body(text)
}

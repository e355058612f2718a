//! The smallest service: `cargo run -p service --example hello`, then open http://127.0.0.1:8089/docs/.

use std::{error::Error, process::ExitCode};

use actix_web::{HttpResponse, Responder, web};
use service::{
    Application, Resource,
    config::{Common, Reader},
    health::Health,
    http,
};
use utoipa::OpenApi;

#[derive(OpenApi)]
#[openapi(info(title = "Hello", version = "1", description = "The smallest service"), paths(hello))]
struct Api;

/// Greets.
#[utoipa::path(
    get,
    path = "/hello/{name}",
    params(("name" = String, Path, description = "Whom")),
    responses((status = 200, description = "A greeting"))
)]
async fn hello(name: web::Path<String>) -> impl Responder {
    HttpResponse::Ok().body(format!("Hello, {name}"))
}

struct Hello;

impl Application for Hello {
    const NAME: &'static str = "hello";
    const ABOUT: &'static str = "greets";
    type Config = Common;
    type App = http::Running;

    fn configure(env: &mut Reader) -> Option<Common> {
        Common::read(env, Self::NAME, 8089)
    }

    fn instance(config: &Common) -> String {
        config.instance.clone()
    }

    async fn build(config: Common) -> Result<http::Running, Box<dyn Error>> {
        let routes = |config: &mut web::ServiceConfig| {
            config.service(Resource::at("/hello/{name}").get(hello));
        };
        let server = http::serve(&config.http, &Health::default(), Api::openapi(), routes)?;
        println!("http://{}", server.address());
        Ok(server)
    }

    async fn stop(server: http::Running) {
        server.stop().await;
    }
}

fn main() -> ExitCode {
    service::run::<Hello>()
}

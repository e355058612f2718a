//! The table of URLs, and its endpoints: decode, call one operation, encode.

use actix_web::{
    HttpResponse,
    web::{Data, ServiceConfig},
};
use contracts::{Sku, problem::Problem, recommendation::Recommendations};
use service::{Resource, parameters::Query, problem::ApiError};
use utoipa::OpenApi;

use crate::{
    memory::{Excerpt, Memory},
    operations,
};

/// How many products may be asked for at once.
const MOST_ASKED: usize = 10;
/// How many are recommended where nothing is said.
const DEFAULT_LIMIT: u16 = 10;
/// How many are recommended at most.
const MAX_LIMIT: u16 = 50;

/// What the endpoints call.
#[derive(Debug, Clone)]
pub struct Endpoints {
    /// What is known.
    pub memory: Memory,
}

impl Endpoints {
    /// The URLs of this service.
    pub fn register(&self, config: &mut ServiceConfig) {
        config
            .app_data(Data::new(self.memory.clone()))
            .service(Resource::at("/recommendations").get(recommend))
            .service(Resource::at("/model").get(model));
    }
}

/// The description of this service's API.
#[derive(Debug, OpenApi)]
#[openapi(
    info(title = "Plumbline: recommendations", description = "Learns what is bought together."),
    paths(recommend, model)
)]
pub struct ApiDescription;

/// Recommend products
///
/// By how many recent orders hold them together with those asked for, summed over those asked for; products equally
/// often bought together stand by SKU. While `/readyz` says that the service still reads the orders so far, it answers
/// from what it has read.
#[utoipa::path(
    get,
    path = "/recommendations",
    operation_id = "recommend",
    tag = "recommendations",
    params(
        ("sku" = Vec<Sku>, Query, min_items = 1, max_items = 10, description = "What was bought: stands 1 to 10 times"),
        ("limit" = Option<u16>, Query, minimum = 1, maximum = 50, description = "At most so many; 10 if not given"),
    ),
    responses(
        (status = 200, description = "The best first; none for products that nobody bought lately", body = Recommendations),
        (status = 400, description = "Not valid; `errors` has every fault", body = Problem, content_type = "application/problem+json"),
        (status = 500, description = "A fault of the service", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn recommend(memory: Data<Memory>, mut query: Query) -> Result<HttpResponse, ApiError> {
    let asked = asked(&mut query);
    let limit = query.limit(DEFAULT_LIMIT, MAX_LIMIT);
    query.finish()?;
    Ok(HttpResponse::Ok().json(operations::recommend::recommend(&memory, &asked, limit)))
}

/// Take the model
///
/// For other instances of this service, which hold the same model as the one that builds it: asks for what was learnt since a
/// position of a build, or for all.
#[utoipa::path(
    get,
    path = "/model",
    operation_id = "readModel",
    tag = "model",
    params(
        ("build" = Option<u64>, Query, description = "The build of the answer before"),
        ("position" = Option<u64>, Query, description = "The position of the answer before"),
    ),
    responses(
        (status = 200, description = "The next orders; `complete` when there are no more at present", body = Excerpt),
        (status = 400, description = "Not valid; `errors` has every fault", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "It is not built here, or not yet", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn model(memory: Data<Memory>, mut query: Query) -> Result<HttpResponse, ApiError> {
    let (build, position) = (query.optional("build"), query.optional("position"));
    query.finish()?;
    let excerpt = operations::read_model::read_model(&memory, build.zip(position));
    Ok(HttpResponse::Ok().json(excerpt.map_err(|error| ApiError::unavailable(error.to_string()))?))
}

/// The products asked for. They are counted before they are read, so that each fault is named once.
fn asked(query: &mut Query) -> Vec<Sku> {
    let given = query.all::<String>("sku").len();
    if !(1..=MOST_ASKED).contains(&given) {
        query.fault("sku", format!("must stand 1 to {MOST_ASKED} times, stands {given} times"));
        return Vec::new();
    }
    query.all("sku")
}

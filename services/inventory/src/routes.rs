//! The table of URLs. An endpoint decodes, calls one operation, encodes.

mod failures;
mod products;
mod refusals;
mod reservations;
mod stock;

use actix_web::web::{Data, ServiceConfig};
use contracts::problem::Problem;
use messaging::relay;
use service::{
    Resource,
    consistency::{Headers, Sessions},
};
use utoipa::{
    Modify, OpenApi,
    openapi::{
        self,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use crate::{gathering::Gathering, locking::Locking, store::Store};

/// What the endpoints call.
#[derive(Debug, Clone)]
pub struct Endpoints {
    /// Products, stock and reservations.
    pub store: Store,
    /// Who may change stock.
    pub locking: Locking,
    /// Makes reservations that requests ask for.
    pub gathering: Gathering,
    /// Woken when a change of a product is to be published.
    pub relay: relay::Waker,
    /// What callers' sessions are known by.
    pub sessions: Sessions,
}

impl Endpoints {
    /// The URLs of this service.
    pub fn register(&self, config: &mut ServiceConfig) {
        config
            .app_data(Data::new(self.store.clone()))
            .app_data(Data::new(self.locking.clone()))
            .app_data(Data::new(self.gathering.clone()))
            .app_data(Data::new(self.relay.clone()))
            .app_data(Data::new(self.sessions.clone()))
            .service(Resource::at("/products").get(products::list))
            .service(Resource::at("/products/{sku}").get(products::read).put(products::put))
            .service(Resource::at("/stock").get(stock::list))
            .service(Resource::at("/stock/{sku}").get(stock::read))
            .service(Resource::at("/stock/{sku}/adjustments").post(stock::adjust))
            .service(Resource::at("/reservations").post(reservations::reserve))
            .service(Resource::at("/reservations/{order_id}").get(reservations::read).delete(reservations::release))
            .service(Resource::at("/reservations/{order_id}/confirm").post(reservations::confirm));
    }
}

/// The description of this service's API.
#[derive(Debug, OpenApi)]
#[openapi(
    info(
        title = "Plumbline: inventory",
        description = "Owns products and stock; reserves, releases, never sells what is not there."
    ),
    paths(
        products::list,
        products::read,
        products::put,
        stock::list,
        stock::read,
        stock::adjust,
        reservations::reserve,
        reservations::read,
        reservations::confirm,
        reservations::release
    ),
    components(schemas(Problem)),
    modifiers(&OperatorToken, &Headers)
)]
pub struct ApiDescription;

/// Describes the operator token that changes need.
struct OperatorToken;

impl Modify for OperatorToken {
    fn modify(&self, openapi: &mut openapi::OpenApi) {
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("The operator token of the installation, PLUMBLINE_OPERATOR_TOKEN"))
            .build();
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("operator", SecurityScheme::Http(bearer));
    }
}

//! The table of URLs, and its endpoints: decode, call one operation, encode.

mod failures;
pub mod problems;

use actix_web::{
    HttpResponse,
    http::header::LOCATION,
    web::{Data, Path, ServiceConfig},
};
use contracts::{
    OrderId,
    consistency::Level,
    order::{Hop, Order, PlaceOrder},
    page::{DEFAULT_LIMIT, MAX_LIMIT, Page},
};
use service::{
    Resource,
    body::Json,
    consistency::{Asked, Headers, Reading, Session, Sessions, Writing},
    context::{Trace, Waited},
    idempotency::Key,
    parameters,
    prefer::Wait,
    problem::ApiError,
};
use utoipa::OpenApi;

use crate::{
    domain::Listing,
    operations::{
        self,
        cancel::Cancel,
        place::{Answer, Place, Placed, Request},
    },
    store::Store,
};

/// What the endpoints call.
#[derive(Debug, Clone)]
pub struct Endpoints {
    /// `POST /orders`.
    pub place: Place,
    /// `POST /orders/{id}/cancel`.
    pub cancel: Cancel,
    /// What only reads.
    pub store: Store,
    /// What callers' sessions are known by.
    pub sessions: Sessions,
}

impl Endpoints {
    /// The URLs of this service.
    pub fn register(&self, config: &mut ServiceConfig) {
        config
            .app_data(Data::new(self.place.clone()))
            .app_data(Data::new(self.cancel.clone()))
            .app_data(Data::new(self.store.clone()))
            .app_data(Data::new(self.sessions.clone()))
            .service(Resource::at("/orders").get(list).post(place))
            .service(Resource::at("/orders/{id}").get(read))
            .service(Resource::at("/orders/{id}/cancel").post(cancel))
            .service(Resource::at("/orders/{id}/timeline").get(timeline));
    }
}

/// The description of this service's API.
#[derive(Debug, OpenApi)]
#[openapi(
    info(title = "Plumbline: orders", description = "Takes orders, and owns their life."),
    paths(place, list, read, cancel, timeline),
    components(schemas(contracts::problem::Problem)),
    modifiers(&Headers)
)]
pub struct ApiDescription;

/// Place an order
///
/// The order is checked against the catalogue and stored, PENDING; inventory decides on it a moment later. With
/// `Prefer: wait` the answer waits for that decision. With an `Idempotency-Key` a request that is sent again gets the
/// first answer again, and no second order.
#[utoipa::path(
    post,
    path = "/orders",
    operation_id = "placeOrder",
    tag = "orders",
    params(
        Writing,
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 printable ASCII characters"),
        ("Prefer" = Option<String>, Header, description = "`wait=N`: wait up to N (0 to 30) seconds (RFC 7240)"),
    ),
    request_body = PlaceOrder,
    responses(
        (status = 202, description = "Accepted", body = Order,
            headers(("Location" = String, description = "The order's URL"))),
        (status = 200, description = "Accepted and decided, within the wait that was preferred", body = Order,
            headers(("Location" = String), ("Preference-Applied" = String, description = "`wait`"))),
        problems::Any,
        problems::OfPlacing,
    )
)]
async fn place(
    endpoint: Data<Place>,
    Key(key): Key,
    Wait(wait): Wait,
    Trace(carried): Trace,
    session: Session,
    Json(body): Json<PlaceOrder>,
) -> Result<HttpResponse, ApiError> {
    let Answer { placed, waited, token } = endpoint.place(&body, Request { key, wait, carried }).await?;
    let (mut response, order) = match placed {
        Placed::Accepted(order) => (HttpResponse::Accepted(), order),
        Placed::Decided(order) => {
            let mut response = HttpResponse::Ok();
            response.insert_header(("Preference-Applied", "wait"));
            (response, order)
        }
    };
    session.tell(&mut response, token);
    let mut response = response.insert_header((LOCATION, format!("/orders/{}", order.id))).json(order);
    if let Some(waited) = waited {
        response.extensions_mut().insert(Waited(waited));
    }
    Ok(response)
}

/// List orders
///
/// In the order in which they were placed, the oldest first. A page may hold fewer orders than `limit`, even none,
/// and still have a `next_cursor`; the list has ended when `next_cursor` is null.
#[utoipa::path(
    get,
    path = "/orders",
    operation_id = "listOrders",
    tag = "orders",
    params(
        Reading,
        ("customer_id" = Option<contracts::CustomerId>, Query, description = "Only this customer's"),
        ("status" = Option<contracts::order::OrderStatus>, Query, description = "Only those in this status"),
        ("placed_after" = Option<contracts::Timestamp>, Query, description = "Only those placed later (RFC 3339)"),
        ("limit" = Option<u16>, Query, minimum = 1, maximum = 1000, description = "At most so many; 50 if not given"),
        ("cursor" = Option<String>, Query, description = "The `next_cursor` of the page before"),
    ),
    responses(
        (status = 200, description = "A page of orders", body = Page<Order>),
        problems::Any,
    )
)]
async fn list(store: Data<Store>, asked: Asked, mut query: parameters::Query) -> Result<HttpResponse, ApiError> {
    let listing = Listing {
        customer_id: query.optional("customer_id"),
        status: query.optional("status"),
        placed_after: query.optional("placed_after"),
        cursor: query.optional("cursor"),
        limit: query.limit(DEFAULT_LIMIT, MAX_LIMIT),
    };
    query.finish()?;
    let demand = asked.demand(Level::Strong);
    Ok(asked.all(&demand, operations::list::list(&store, &listing, &demand).await?))
}

/// Read an order
#[utoipa::path(
    get,
    path = "/orders/{id}",
    operation_id = "readOrder",
    tag = "orders",
    params(Reading, ("id" = OrderId, Path, description = "The order's id")),
    responses(
        (status = 200, description = "The order", body = Order),
        problems::Any,
        problems::OfOne,
    )
)]
async fn read(
    store: Data<Store>,
    Trace(carried): Trace,
    asked: Asked,
    id: Path<String>,
) -> Result<HttpResponse, ApiError> {
    let (id, demand) = (order_id(&id)?, asked.demand(Level::Strong));
    let order = operations::read::read(&store, id, &demand, carried.trace).await?;
    let version = order.served.shows;
    Ok(asked.one(&demand, order, |_| version, || unknown(id)))
}

/// Cancel an order
///
/// What is reserved for it is given back a moment later. To cancel it again changes nothing and answers the same.
#[utoipa::path(
    post,
    path = "/orders/{id}/cancel",
    operation_id = "cancelOrder",
    tag = "orders",
    params(Writing, ("id" = OrderId, Path, description = "The order's id")),
    responses(
        (status = 200, description = "The order, CANCELLED", body = Order),
        problems::Any,
        problems::OfOne,
        problems::OfCancelling,
    )
)]
async fn cancel(
    endpoint: Data<Cancel>,
    Trace(carried): Trace,
    session: Session,
    id: Path<String>,
) -> Result<HttpResponse, ApiError> {
    let order = endpoint.cancel(order_id(&id)?, carried).await?;
    let mut response = HttpResponse::Ok();
    session.wrote(&mut response, order.position);
    Ok(response.json(order.value))
}

/// Follow an order's way
///
/// Each hop so far, with the service that made it and the time by that service's clock, in the order of time.
#[utoipa::path(
    get,
    path = "/orders/{id}/timeline",
    operation_id = "readTimeline",
    tag = "orders",
    params(Reading, ("id" = OrderId, Path, description = "The order's id")),
    responses(
        (status = 200, description = "All hops, on one page", body = Page<Hop>),
        problems::Any,
        problems::OfOne,
    )
)]
async fn timeline(store: Data<Store>, asked: Asked, id: Path<String>) -> Result<HttpResponse, ApiError> {
    let (id, demand) = (order_id(&id)?, asked.demand(Level::Strong));
    let page = operations::timeline::timeline(&store, id, &demand).await?;
    let version = page.served.shows;
    Ok(asked.one(&demand, page, |_| version, || unknown(id)))
}

fn unknown(id: OrderId) -> ApiError {
    ApiError::not_found(format!("there is no order {id}"))
}

fn order_id(text: &str) -> Result<OrderId, ApiError> {
    parameters::path("id", text)
}

//! `/products`.

use actix_web::{
    HttpResponse,
    http::header::LOCATION,
    web::{Data, Path},
};
use contracts::{
    Sku,
    catalogue::{Product, PutProduct},
    consistency::{Level, Written},
    page::{DEFAULT_LIMIT, MAX_LIMIT, Page},
    problem::Problem,
};
use messaging::relay;
use service::{
    auth::Operator,
    body::Json,
    consistency::{Asked, Reading, Session, Writing},
    context::Trace,
    parameters,
    problem::ApiError,
};

use super::refusals::{BadBody, Invalid, Unanswered};
use crate::{
    domain::NewProduct,
    operations::{list_products, put_product, read_product},
    store::{Put, Store},
};

/// List products
///
/// By SKU.
#[utoipa::path(
    get,
    path = "/products",
    operation_id = "listProducts",
    tag = "products",
    params(
        Reading,
        ("limit" = Option<u16>, Query, minimum = 1, maximum = 1000, description = "At most so many; 50 if not given"),
        ("cursor" = Option<String>, Query, description = "The `next_cursor` of the page before"),
    ),
    responses((status = 200, description = "A page of products", body = Page<Product>), Invalid, Unanswered)
)]
pub(super) async fn list(
    store: Data<Store>,
    asked: Asked,
    mut query: parameters::Query,
) -> Result<HttpResponse, ApiError> {
    let (cursor, limit) = (query.optional::<Sku>("cursor"), query.limit(DEFAULT_LIMIT, MAX_LIMIT));
    query.finish()?;
    let demand = asked.demand(Level::Strong);
    Ok(asked.all(&demand, list_products::list_products(&store, cursor, limit, &demand).await?))
}

/// Read a product
#[utoipa::path(
    get,
    path = "/products/{sku}",
    operation_id = "readProduct",
    tag = "products",
    params(Reading, ("sku" = Sku, Path, description = "The product's SKU")),
    responses(
        (status = 200, description = "The product", body = Product),
        (status = 404, description = "No such product", body = Problem, content_type = "application/problem+json"),
        Invalid,
        Unanswered,
    )
)]
pub(super) async fn read(
    store: Data<Store>,
    Trace(carried): Trace,
    asked: Asked,
    sku: Path<String>,
) -> Result<HttpResponse, ApiError> {
    let (sku, demand) = (parameters::path("sku", &sku)?, asked.demand(Level::Strong));
    let product = read_product::read_product(&store, &sku, &demand, carried.trace).await?;
    Ok(asked.one(&demand, product, |product| product.version.cast_unsigned(), || unknown(&sku)))
}

/// Make or change a product
///
/// A new product has no stock. To put a product as it is already changes nothing.
#[utoipa::path(
    put,
    path = "/products/{sku}",
    operation_id = "putProduct",
    tag = "products",
    security(("operator" = [])),
    params(Writing, ("sku" = Sku, Path, description = "The product's SKU")),
    request_body = PutProduct,
    responses(
        (status = 200, description = "The product was there, and is so now", body = Product),
        (status = 201, description = "The product is new", body = Product,
            headers(("Location" = String, description = "The product's URL"))),
        (status = 401, description = "Without the operator token", body = Problem, content_type = "application/problem+json",
            headers(("WWW-Authenticate" = String))),
        BadBody,
        Invalid,
        Unanswered,
    )
)]
pub(super) async fn put(
    _: Operator,
    store: Data<Store>,
    relay: Data<relay::Waker>,
    Trace(carried): Trace,
    session: Session,
    sku: Path<String>,
    Json(body): Json<PutProduct>,
) -> Result<HttpResponse, ApiError> {
    let product = NewProduct::check(&sku, body).map_err(ApiError::invalid)?;
    let Written { value: put, position } = put_product::put_product(&store, &relay, product, carried).await?;
    let (mut response, product) = match put {
        Put::Created(product) => {
            let mut response = HttpResponse::Created();
            response.insert_header((LOCATION, format!("/products/{}", encoded(&product.sku))));
            (response, product)
        }
        Put::Changed(product) | Put::Unchanged(product) => (HttpResponse::Ok(), product),
    };
    session.wrote(&mut response, position);
    Ok(response.json(product))
}

/// Where there is no such product.
pub(super) fn unknown(sku: &Sku) -> ApiError {
    ApiError::not_found(format!("there is no product {sku}"))
}

/// A SKU as it stands in a path: of the characters it may hold only the space is reserved (RFC 3986, section 2.3).
fn encoded(sku: &Sku) -> String {
    sku.as_str().replace(' ', "%20")
}

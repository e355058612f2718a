//! `/stock`.

use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use contracts::{
    Sku,
    consistency::Level,
    page::{DEFAULT_LIMIT, MAX_LIMIT, Page},
    problem::Problem,
    stock::{Adjust, Adjustment, Stock},
};
use service::{
    auth::Operator,
    body::Json,
    consistency::{Asked, Reading, Session, Writing},
    context::Trace,
    idempotency::Key,
    parameters,
    problem::ApiError,
};

use super::{
    products::unknown,
    refusals::{BadBody, Invalid, Unanswered},
};
use crate::{
    domain::NewAdjustment,
    locking::Locking,
    operations::{self, list_stock, read_stock},
    store::Store,
};

/// List stock
///
/// Of each product, by SKU.
#[utoipa::path(
    get,
    path = "/stock",
    operation_id = "listStock",
    tag = "stock",
    params(
        Reading,
        ("limit" = Option<u16>, Query, minimum = 1, maximum = 1000, description = "At most so many; 50 if not given"),
        ("cursor" = Option<String>, Query, description = "The `next_cursor` of the page before"),
    ),
    responses((status = 200, description = "A page of stock", body = Page<Stock>), Invalid, Unanswered)
)]
pub(super) async fn list(
    store: Data<Store>,
    asked: Asked,
    mut query: parameters::Query,
) -> Result<HttpResponse, ApiError> {
    let (cursor, limit) = (query.optional::<Sku>("cursor"), query.limit(DEFAULT_LIMIT, MAX_LIMIT));
    query.finish()?;
    let demand = asked.demand(Level::Eventual);
    Ok(asked.all(&demand, list_stock::list_stock(&store, cursor, limit, &demand).await?))
}

/// Read the stock of a product
#[utoipa::path(
    get,
    path = "/stock/{sku}",
    operation_id = "readStock",
    tag = "stock",
    params(Reading, ("sku" = Sku, Path, description = "The product's SKU")),
    responses(
        (status = 200, description = "Its stock", body = Stock),
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
    let stock = read_stock::read_stock(&store, &sku, &demand, carried.trace).await?;
    Ok(asked.one(&demand, stock, |stock| stock.version.cast_unsigned(), || unknown(&sku)))
}

/// Adjust the stock of a product
///
/// For what was counted, delivered, returned or lost. With an `Idempotency-Key` a request that is sent again gets the
/// first answer again, and no second adjustment.
#[utoipa::path(
    post,
    path = "/stock/{sku}/adjustments",
    operation_id = "adjustStock",
    tag = "stock",
    security(("operator" = [])),
    params(
        Writing,
        ("sku" = Sku, Path, description = "The product's SKU"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 printable ASCII characters of the caller's choice"),
    ),
    request_body = Adjust,
    responses(
        (status = 200, description = "Adjusted, now or before under the same key", body = Adjustment),
        (status = 401, description = "Without the operator token", body = Problem, content_type = "application/problem+json",
            headers(("WWW-Authenticate" = String))),
        (status = 404, description = "No such product", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "There are not so many to take away", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The key was used with another request", body = Problem, content_type = "application/problem+json"),
        BadBody,
        Invalid,
        Unanswered,
    )
)]
pub(super) async fn adjust(
    _: Operator,
    (store, locking): (Data<Store>, Data<Locking>),
    Key(key): Key,
    Trace(carried): Trace,
    session: Session,
    sku: Path<String>,
    Json(body): Json<Adjust>,
) -> Result<HttpResponse, ApiError> {
    let wanted = NewAdjustment::check(&sku, body).map_err(ApiError::invalid)?;
    let made = operations::adjust::adjust((&store, &locking), wanted, key, carried.trace).await?;
    let mut response = HttpResponse::Ok();
    session.wrote(&mut response, made.position);
    Ok(response.json(made.value))
}

//! `/reservations`.

use actix_web::{
    HttpResponse,
    http::header::LOCATION,
    web::{Data, Path},
};
use contracts::{
    OrderId,
    consistency::Written,
    problem::Problem,
    stock::{Reservation, Reserve},
};
use service::{
    auth::Operator,
    body::Json,
    consistency::{Session, Writing},
    context::Trace,
    parameters,
    problem::ApiError,
};

use super::refusals::{BadBody, Invalid, Unanswered};
use crate::{
    gathering::Gathering,
    locking::Locking,
    operations::{
        confirm_reservation, read_reservation, release_reservation,
        reserve::{self, Reserved},
    },
    store::Store,
};

/// Reserve stock, and learn at once whether there is enough
///
/// Every line is reserved, or none. A reservation is HELD until it is confirmed or released, and expires otherwise. It
/// belongs to no order of the order service, and no event tells of it. `order_id` makes the request safe to send again:
/// under the same id and with the same lines it is not decided a second time, and the reservation is answered as it then
/// is; what was rejected stays rejected.
#[utoipa::path(
    post,
    path = "/reservations",
    operation_id = "reserve",
    tag = "reservations",
    security(("operator" = [])),
    params(Writing),
    request_body = Reserve,
    responses(
        (status = 201, description = "Reserved", body = Reservation,
            headers(("Location" = String, description = "The reservation's URL"))),
        (status = 200, description = "Reserved before, under the same id", body = Reservation,
            headers(("Location" = String))),
        (status = 401, description = "Without the operator token", body = Problem, content_type = "application/problem+json",
            headers(("WWW-Authenticate" = String))),
        (status = 409, description = "Some lines lack, see `lacking`; or the id is that of an order", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "The id was used with other lines", body = Problem,
            content_type = "application/problem+json"),
        BadBody,
        Invalid,
        Unanswered,
    )
)]
pub(super) async fn reserve(
    _: Operator,
    gathering: Data<Gathering>,
    Trace(carried): Trace,
    session: Session,
    Json(body): Json<Reserve>,
) -> Result<HttpResponse, ApiError> {
    let Written { value: reserved, position } = reserve::reserve(&gathering, &body, carried.trace).await?;
    let (mut response, reservation) = match reserved {
        Reserved::Made(reservation) => (HttpResponse::Created(), reservation),
        Reserved::Repeated(reservation) => (HttpResponse::Ok(), reservation),
    };
    session.wrote(&mut response, position);
    let location = format!("/reservations/{}", reservation.order_id);
    Ok(response.insert_header((LOCATION, location)).json(reservation))
}

/// Confirm a reservation
///
/// For one that was made here: it then no longer expires. To confirm it again changes nothing.
#[utoipa::path(
    post,
    path = "/reservations/{order_id}/confirm",
    operation_id = "confirmReservation",
    tag = "reservations",
    security(("operator" = [])),
    params(Writing, ("order_id" = OrderId, Path, description = "The reservation's id")),
    responses(
        (status = 200, description = "The reservation, CONFIRMED", body = Reservation),
        (status = 401, description = "Without the operator token", body = Problem, content_type = "application/problem+json",
            headers(("WWW-Authenticate" = String))),
        (status = 404, description = "No such reservation", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It was rejected or released, or belongs to an order", body = Problem,
            content_type = "application/problem+json"),
        Invalid,
        Unanswered,
    )
)]
pub(super) async fn confirm(
    _: Operator,
    store: Data<Store>,
    Trace(carried): Trace,
    session: Session,
    order_id: Path<String>,
) -> Result<HttpResponse, ApiError> {
    let id = parameters::path("order_id", &order_id)?;
    Ok(answer(&session, confirm_reservation::confirm_reservation(&store, id, carried.trace).await?))
}

fn answer(session: &Session, Written { value, position }: Written<Reservation>) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    session.wrote(&mut response, position);
    response.json(value)
}

/// Release a reservation
///
/// For one that was made here, confirmed or not: what it holds is available again. One that holds nothing stays as it is.
#[utoipa::path(
    delete,
    path = "/reservations/{order_id}",
    operation_id = "releaseReservation",
    tag = "reservations",
    security(("operator" = [])),
    params(Writing, ("order_id" = OrderId, Path, description = "The reservation's id")),
    responses(
        (status = 200, description = "The reservation, RELEASED, or REJECTED as before", body = Reservation),
        (status = 401, description = "Without the operator token", body = Problem, content_type = "application/problem+json",
            headers(("WWW-Authenticate" = String))),
        (status = 404, description = "No such reservation", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It belongs to an order, which has to be cancelled", body = Problem,
            content_type = "application/problem+json"),
        Invalid,
        Unanswered,
    )
)]
pub(super) async fn release(
    _: Operator,
    store: Data<Store>,
    locking: Data<Locking>,
    Trace(carried): Trace,
    session: Session,
    order_id: Path<String>,
) -> Result<HttpResponse, ApiError> {
    let id = parameters::path("order_id", &order_id)?;
    Ok(answer(&session, release_reservation::release_reservation((&store, &locking), id, carried.trace).await?))
}

/// Read what was decided about an order
///
/// There is a reservation as soon as inventory has decided, also when it was to reserve nothing.
#[utoipa::path(
    get,
    path = "/reservations/{order_id}",
    operation_id = "readReservation",
    tag = "reservations",
    params(("order_id" = OrderId, Path, description = "The order's id")),
    responses(
        (status = 200, description = "The reservation", body = Reservation),
        (status = 404, description = "Nothing is decided", body = Problem, content_type = "application/problem+json"),
        Invalid,
        Unanswered,
    )
)]
pub(super) async fn read(store: Data<Store>, order_id: Path<String>) -> Result<HttpResponse, ApiError> {
    let reservation = read_reservation::read_reservation(&store, parameters::path("order_id", &order_id)?).await?;
    Ok(HttpResponse::Ok().json(reservation))
}

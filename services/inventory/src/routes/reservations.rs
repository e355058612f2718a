//! `/reservations`.

use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use contracts::{OrderId, problem::Problem, stock::Reservation};
use service::{parameters, problem::ApiError};

use super::refusals::{Invalid, Unanswered};
use crate::{operations::read_reservation, store::Store};

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

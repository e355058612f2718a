//! `POST /reservations`.

use contracts::{
    Lacking, OrderId,
    consistency::Written,
    problem::Fault,
    stock::{Reservation, Reserve},
};
use telemetry::context::TraceContext;

use crate::{
    domain::{Answer, DirectReservation, Stood},
    gathering::{self, Gathering},
};

/// Why nothing is reserved.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request is wrong; here is every fault.
    #[error("the reservation has {} faults", .0.len())]
    Invalid(Vec<Fault>),
    /// These lines lacked, now or when the same was asked for first.
    #[error("{} lines lack", .0.len())]
    Lacking(Vec<Lacking>),
    /// Its id stands for a reservation of other lines.
    #[error("{0} stands for a reservation of other lines")]
    KeyTaken(OrderId),
    /// Its id is that of an order of the order service.
    #[error("{0} is an order of the order service")]
    OfAnOrder(OrderId),
    /// It could not be decided.
    #[error(transparent)]
    Undecided(#[from] gathering::Error),
}

/// A reservation that stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reserved {
    /// It is made.
    Made(Reservation),
    /// It was made before under the same id; this is what has become of it.
    Repeated(Reservation),
}

/// Reserves every line, or none. What is sent again under its id is not decided again, whatever became of it: what was
/// rejected stays so.
///
/// # Errors
/// See [`Error`].
pub async fn reserve(
    gathering: &Gathering,
    body: &Reserve,
    trace: Option<TraceContext>,
) -> Result<Written<Reserved>, Error> {
    let wanted = DirectReservation::check(body).map_err(Error::Invalid)?;
    let id = wanted.order_id();
    let Written { value: answer, position } = gathering.reserve(wanted, trace).await?;
    match answer {
        Answer::Decided(Stood { lacking, .. }) | Answer::Repeated(Stood { lacking, .. }) if !lacking.is_empty() => {
            Err(Error::Lacking(lacking))
        }
        Answer::Decided(stood) => Ok(Written::new(Reserved::Made(stood.reservation), position)),
        Answer::Repeated(stood) => Ok(Written::new(Reserved::Repeated(stood.reservation), position)),
        Answer::KeyTaken => Err(Error::KeyTaken(id)),
        Answer::OfAnOrder => Err(Error::OfAnOrder(id)),
    }
}

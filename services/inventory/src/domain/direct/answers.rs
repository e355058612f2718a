//! What each caller is told of requests that were decided together.

use std::collections::{HashMap, hash_map::Entry};

use contracts::{Lacking, OrderId, Timestamp, stock::Reservation};

use super::DirectReservation;
use crate::domain::{Decided, NewReservation};

/// A reservation with what else is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stood {
    /// The reservation.
    pub reservation: Reservation,
    /// Of a REJECTED one: each line that lacked.
    pub lacking: Vec<Lacking>,
    /// Whether it was made by a request.
    pub direct: bool,
}

/// What a request came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is decided now: HELD, or REJECTED.
    Decided(Stood),
    /// It was decided before; this is what has become of it.
    Repeated(Stood),
    /// Its id stands for a request with other lines.
    KeyTaken,
    /// Its id is that of an order of the order service.
    OfAnOrder,
}

impl Answer {
    /// Its name, as spans and metrics have it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Decided(Stood { lacking, .. }) if lacking.is_empty() => "reserved",
            Self::Decided(_) => "rejected",
            Self::Repeated(_) => "repeated",
            Self::KeyTaken => "key_taken",
            Self::OfAnOrder => "refused",
        }
    }
}

/// Answers requests in their order, which is the one they were decided in at `now`, given the reservations that stood
/// `before` under their ids. The first of several with one id is the one that was decided.
pub fn answers<'a>(
    wanted: impl IntoIterator<Item = &'a DirectReservation>,
    mut before: HashMap<OrderId, Stood>,
    decided: &Decided<'_>,
    now: Timestamp,
) -> Vec<Answer> {
    let new: HashMap<OrderId, &NewReservation<'_>> =
        decided.reservations.iter().map(|reservation| (reservation.order_id, reservation)).collect();
    let answer = |wanted: &DirectReservation| match before.entry(wanted.order_id()) {
        Entry::Occupied(stood) => again(wanted, stood.get()),
        Entry::Vacant(place) => match new.get(&wanted.order_id()) {
            Some(new) => Answer::Decided(place.insert(stood(new, now)).clone()),
            // What didn't stand before was decided. If ever it was not, nothing was done, and nothing may be claimed.
            None => Answer::OfAnOrder,
        },
    };
    wanted.into_iter().map(answer).collect()
}

fn again(wanted: &DirectReservation, stood: &Stood) -> Answer {
    if !stood.direct {
        Answer::OfAnOrder
    } else if stood.reservation.lines == wanted.lines() {
        Answer::Repeated(stood.clone())
    } else {
        Answer::KeyTaken
    }
}

fn stood(new: &NewReservation<'_>, now: Timestamp) -> Stood {
    let reservation = Reservation {
        order_id: new.order_id,
        status: new.status,
        lines: new.lines.to_vec(),
        decided_at: now,
        released_at: None,
    };
    Stood { reservation, lacking: new.lacking.clone().unwrap_or_default(), direct: true }
}

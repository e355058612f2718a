//! `POST /orders`.

use std::time::Duration;

use contracts::{
    consistency::{Token, Written},
    order::{Order, PlaceOrder},
    problem::Fault,
};
use telemetry::context::Carried;
use tokio::{sync::watch, time::Instant};

use crate::{
    catalogue::Catalogue,
    committer::{self, Committed, Committer},
    domain::{Claim, Draft, Fingerprint, NewOrder, StoredOrder},
    waiting::Waiting,
};

/// Why an order was not placed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request is wrong; here is every fault.
    #[error("the order has {} faults", .0.len())]
    Invalid(Vec<Fault>),
    /// The catalogue has not been read yet, so nothing can be said of a SKU.
    #[error("the catalogue is still being read")]
    CatalogueNotRead,
    /// It could not be stored.
    #[error(transparent)]
    Commit(#[from] committer::Error),
}

/// An order that was placed, now or, under the same key, earlier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Placed {
    /// It is accepted, and its decision was not waited for, or did not come in time.
    Accepted(Order),
    /// It is decided, in the time its caller wanted to wait.
    Decided(Order),
}

/// What a request to place an order comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The order.
    pub placed: Placed,
    /// How long its decision was waited for, where it was.
    pub waited: Option<Duration>,
    /// What its session has written and was shown by it.
    pub token: Token,
}

impl Answer {
    /// One whose decision was not waited for.
    fn at_once(placed: impl FnOnce(Order) -> Placed, Written { value, position }: Written<Order>) -> Self {
        Self { placed: placed(value), waited: None, token: Token { written: position, read: 0 } }
    }
}

/// Places orders. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Place {
    /// What is sold.
    pub catalogue: Catalogue,
    /// Whether all of the catalogue has been read.
    pub catalogue_read: watch::Receiver<bool>,
    /// Stores orders.
    pub committer: Committer,
    /// Where decisions are waited for.
    pub waiting: Waiting,
}

/// What belongs to a request besides its body.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Its `Idempotency-Key`.
    pub key: Option<String>,
    /// How long its caller wants to wait for the decision.
    pub wait: Option<Duration>,
    /// Its trace and its baggage.
    pub carried: Carried,
}

impl Place {
    /// Places an order, or answers the one that was placed under the same key: as it was then, or, to a caller who
    /// waits, as it has become.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn place(&self, body: &PlaceOrder, request: Request) -> Result<Answer, Error> {
        let Request { key, wait, carried } = request;
        let deadline = wait.map(|wait| Instant::now() + wait);
        let order = self.accept(body, key, carried)?;
        // Waiting begins before the order is stored, so that no decision is missed.
        let waiter = deadline.map(|_| self.waiting.wait_for(order.id()));
        let (order, waiter) = match self.committer.commit(order).await? {
            Committed::Stored(order) => (order.map(NewOrder::into_order), waiter),
            Committed::Repeated(stored) => match (deadline, stored.value.status.is_final()) {
                (None, _) => return Ok(Answer::at_once(Placed::Accepted, stored.map(StoredOrder::into_pending))),
                (Some(_), true) => return Ok(Answer::at_once(Placed::Decided, stored.map(StoredOrder::into_order))),
                (Some(_), false) => {
                    let waiter = self.waiting.wait_for(stored.value.id);
                    (stored.map(StoredOrder::into_order), Some(waiter))
                }
            },
        };
        let (Some(waiter), Some(deadline)) = (waiter, deadline) else {
            return Ok(Answer::at_once(Placed::Accepted, order));
        };
        let began = Instant::now();
        let Written { value: order, position } = order;
        let (placed, read) = match waiter.decision(deadline).await {
            Some(decision) => (Placed::Decided(decision.value.apply(order)), decision.position),
            None => (Placed::Accepted(order), 0),
        };
        Ok(Answer { placed, waited: Some(began.elapsed()), token: Token { written: position, read } })
    }

    fn accept(&self, body: &PlaceOrder, key: Option<String>, carried: Carried) -> Result<NewOrder, Error> {
        if !*self.catalogue_read.borrow() {
            return Err(Error::CatalogueNotRead);
        }
        let draft = self.catalogue.read(|product| Draft::check(body, product)).map_err(Error::Invalid)?;
        let claim = key.map(|key| Claim { key, fingerprint: Fingerprint::of(&draft) });
        Ok(NewOrder::place(draft, claim, carried))
    }
}

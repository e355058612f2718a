//! `POST /orders/{id}/cancel`.

use contracts::{
    OrderId, Timestamp,
    consistency::Written,
    order::{Order, OrderStatus},
};
use messaging::relay;
use telemetry::context::Carried;

use crate::{
    domain::{Cancellation, Decision, StoredOrder},
    metric_definitions::METRICS,
    store::{self, Store},
    waiting::Waiting,
};

/// Why an order was not cancelled.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is none of this id.
    #[error("there is no order {0}")]
    Unknown(OrderId),
    /// It was rejected.
    #[error("order {0} was rejected, so there is nothing to cancel")]
    Rejected(OrderId),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Cancels orders. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Cancel {
    /// Where orders are.
    pub store: Store,
    /// Woken when the cancellation is to be published.
    pub relay: relay::Waker,
    /// Requests that wait for the order's decision.
    pub waiting: Waiting,
}

impl Cancel {
    /// Cancels an order, and has inventory release what is reserved for it. Of an order that is cancelled already it
    /// answers the same again.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn cancel(&self, id: OrderId, carried: Carried) -> Result<Written<Order>, Error> {
        let now = Timestamp::now();
        let (cancellation, order) = self.store.cancel(id, now, carried).await?.ok_or(Error::Unknown(id))?;
        match cancellation {
            Cancellation::Refused => return Err(Error::Rejected(id)),
            Cancellation::Done => {}
            Cancellation::Due => {
                self.relay.wake();
                METRICS.decided(OrderStatus::Cancelled, 1);
                let decision = Decision { status: OrderStatus::Cancelled, decided_at: now, rejection: None };
                self.waiting.decided(id, || Written::new(decision, order.position));
            }
        }
        Ok(order.map(StoredOrder::into_order))
    }
}

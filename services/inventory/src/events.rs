//! What this service consumes: the order service's news, on `orders.v1`.

use std::time::Instant;

use contracts::{
    Timestamp,
    event::{Event, OrderCancelled, OrderConfirmed, OrderPlaced},
};
use messaging::{
    Broken, Message,
    consumer::{Batch, HandleError, Handler},
    relay,
};
use telemetry::context::in_scope;

use crate::{
    domain::OrderEvent,
    locking::Locking,
    metric_definitions::METRICS,
    store::{OrderNews, Store, Told},
    taking,
};

/// Reserves, confirms and releases as orders are placed, confirmed and cancelled.
#[derive(Debug)]
pub struct Orders {
    /// Where stock is.
    pub store: Store,
    /// Who may change it.
    pub locking: Locking,
    /// Woken when there is something to publish.
    pub relay: relay::Waker,
}

impl Handler for Orders {
    async fn handle(&self, batch: &Batch) -> Result<(), HandleError> {
        let began = Instant::now();
        let mut news = read(batch);
        let (trace, count) = (batch.trace(), news.told.len());
        let taken = taking::take((&self.store, &self.locking), batch, &mut news).await;
        // Some of it may have been taken all the same.
        self.relay.wake();
        let taken = taken?;
        in_scope(trace, || METRICS.taken(count, &taken, began.elapsed(), trace));
        for told in &news.told {
            if let OrderEvent::Confirmed(order) = told.event
                && let Some(age) = order.age(Timestamp::now())
            {
                METRICS.confirmed(age, batch.trace_of(told.index));
            }
        }
        Ok(())
    }
}

fn read(batch: &Batch) -> OrderNews<'_> {
    let mut news = OrderNews {
        told: Vec::with_capacity(batch.messages.len()),
        broken: Vec::new(),
        received_at: batch.received_at,
    };
    for (index, message) in batch.messages.iter().enumerate() {
        match understand(message) {
            Ok(event) => news.told.push(Told { event, message, index }),
            Err(reason) => {
                batch.note(index, |span| span.fail("dead_letter", &reason));
                news.broken.push((index, message, reason));
            }
        }
    }
    news
}

fn understand(message: &Message) -> Result<OrderEvent, Broken> {
    if message.is::<OrderPlaced>() {
        let placed: OrderPlaced = message.decode()?;
        OrderEvent::try_from(placed)
            .map_err(|fault| Broken::Value { event_type: OrderPlaced::TYPE, fault: fault.to_string() })
    } else if message.is::<OrderConfirmed>() {
        Ok(message.decode::<OrderConfirmed>()?.into())
    } else if message.is::<OrderCancelled>() {
        Ok(message.decode::<OrderCancelled>()?.into())
    } else {
        Err(message.unknown_type())
    }
}

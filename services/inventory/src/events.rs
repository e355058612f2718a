//! What this service consumes: the order service's news, on `orders.v1`.

use std::{sync::Arc, time::Instant};

use contracts::event::{Event, OrderCancelled, OrderConfirmed, OrderPlaced};
use messaging::{
    Broken, Message,
    consumer::{Batch, Feed, HandleError, Handler},
    relay,
};
use telemetry::context::in_scope;

use crate::{
    domain::OrderEvent,
    locking::Locking,
    metric_definitions::METRICS,
    store::{OrderNews, Store, Told},
    taking::Taking,
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
    async fn handle(&self, batch: &Arc<Batch>, feed: &mut Feed<'_>) -> Result<(), HandleError> {
        let (began, trace) = (Instant::now(), batch.trace());
        let taken = Taking::begin(&self.store, &self.locking, &self.relay, feed).take(batch).await?;
        in_scope(trace, || METRICS.taken(&taken, began.elapsed(), trace));
        Ok(())
    }
}

/// What a batch tells.
pub(crate) fn read(batch: &Arc<Batch>) -> OrderNews {
    let mut news = OrderNews::default();
    for item in batch.items() {
        match understand(item.message()) {
            Ok(event) => news.told.push(Told { event, item }),
            Err(reason) => {
                item.note(|span| span.fail("dead_letter", &reason));
                news.broken.push((item, reason));
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

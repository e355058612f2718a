//! What this service consumes: the order service's news, on `orders.v1`.

use std::time::{Duration, Instant};

use contracts::{
    Timestamp,
    event::{Event, OrderCancelled, OrderConfirmed, OrderPlaced},
    topics::Topic,
};
use messaging::{
    Broken, Message,
    consumer::{Batch, HandleError, Handler},
    relay,
};
use telemetry::{
    names,
    spans::{self, Span},
};

use crate::{
    domain::OrderEvent,
    metric_definitions::{COMMIT_WAIT, LOCK_WAIT, METRICS, ORDER_ID},
    store::{OrderNews, Store, Told, Waits},
};

/// Reserves, confirms and releases as orders are placed, confirmed and cancelled.
#[derive(Debug)]
pub struct Orders {
    /// Where stock is.
    pub store: Store,
    /// Woken when there is something to publish.
    pub relay: relay::Waker,
}

impl Handler for Orders {
    async fn handle(&self, batch: &Batch) -> Result<(), HandleError> {
        let began = Instant::now();
        let mut news = read(batch);
        let taken = self.store.take(batch, &news).await?;
        self.relay.wake();
        METRICS.taken(news.told.len(), &taken, began.elapsed());
        news.told.iter_mut().filter_map(|told| told.span.as_mut()).for_each(|span| note_waits(span, &taken.waits));
        Ok(())
    }
}

fn read(batch: &Batch) -> OrderNews<'_> {
    let mut news = OrderNews {
        told: Vec::with_capacity(batch.messages.len()),
        broken: Vec::new(),
        received_at: batch.received_at,
    };
    for message in &batch.messages {
        match understand(message) {
            Ok(event) => news.told.push(Told { event, message, span: span(message, batch) }),
            Err(reason) => news.broken.push((message, reason)),
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

/// The span of taking a message, where its trace is recorded; it ends after the transaction. Spans of one batch cover
/// each other: their transaction is one.
fn span(message: &Message, batch: &Batch) -> Option<Span> {
    let parent = message.trace.filter(|trace| trace.is_sampled())?;
    let mut span = spans::consumer("process orders.v1").parent(parent).start();
    if span.is_recording() {
        span.set(names::messaging::SYSTEM, names::messaging::KAFKA);
        span.set(names::messaging::DESTINATION_NAME, Topic::Orders.name());
        span.set(names::messaging::OPERATION_NAME, "process");
        span.set(names::messaging::OPERATION_TYPE, "process");
        span.set(names::messaging::DESTINATION_PARTITION_ID, message.partition.to_string());
        span.set(names::messaging::KAFKA_OFFSET, message.offset);
        span.set(names::messaging::BATCH_MESSAGE_COUNT, batch.messages.len() as i64);
        span.set(names::wait::BROKER, micros(batch.received_at.micros_since(message.timestamp)));
        span.set(names::wait::BATCH, micros(Timestamp::now().micros_since(batch.received_at)));
        span.set(ORDER_ID, message.key.clone());
    }
    Some(span)
}

fn note_waits(span: &mut Span, waits: &Waits) {
    let seconds = |wait: Duration| wait.as_secs_f64();
    span.set(names::wait::POOL, seconds(waits.pool));
    span.set(LOCK_WAIT, seconds(waits.locks));
    span.set(COMMIT_WAIT, seconds(waits.commit));
}

/// Seconds, never negative: two machines' clocks may differ.
fn micros(micros: i64) -> f64 {
    micros.max(0) as f64 / 1e6
}

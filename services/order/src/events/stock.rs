//! Inventory's news about orders, on `stock.v1`.

use contracts::{
    Timestamp,
    event::{StockRejected, StockReleased, StockReserved},
    order::OrderStatus,
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
    metric_definitions::{METRICS, ORDER_ID},
    store::{News, Settled, Store, Told},
    waiting::Waiting,
};

/// Moves orders on as inventory decides.
#[derive(Debug)]
pub struct StockNews {
    /// Where orders are.
    pub store: Store,
    /// Woken when there is something to publish.
    pub relay: relay::Waker,
    /// Requests that wait for decisions.
    pub waiting: Waiting,
}

impl Handler for StockNews {
    async fn handle(&self, batch: &Batch) -> Result<(), HandleError> {
        let news = read(batch);
        let settled = self.store.settle(batch.spans(), &news, Timestamp::now()).await?;
        self.relay.wake();
        measure(&settled);
        for Settled { id, decision, .. } in settled {
            self.waiting.decided(id, || decision);
        }
        Ok(())
    }
}

fn read(batch: &Batch) -> News<'_> {
    let mut news = News::default();
    for message in &batch.messages {
        if let Err(reason) = understand(message, batch, &mut news) {
            news.broken.push((message, reason));
        }
    }
    news
}

fn understand<'a>(message: &'a Message, batch: &Batch, news: &mut News<'a>) -> Result<(), Broken> {
    let span = || span(message, batch);
    if message.is::<StockReserved>() {
        let verdict = message.decode::<StockReserved>()?.into();
        news.verdicts.push(Told { what: verdict, message, span: span() });
    } else if message.is::<StockRejected>() {
        let verdict = message.decode::<StockRejected>()?.into();
        news.verdicts.push(Told { what: verdict, message, span: span() });
    } else if message.is::<StockReleased>() {
        news.releases.push(Told { what: message.decode()?, message, span: span() });
    } else {
        return Err(message.unknown_type());
    }
    Ok(())
}

/// The span of taking a message, where its trace is recorded; it ends after the transaction. Spans of one batch cover
/// each other: their transaction is one.
fn span(message: &Message, batch: &Batch) -> Option<Span> {
    let parent = message.trace.filter(|trace| trace.is_sampled())?;
    let mut span = spans::consumer("process stock.v1").parent(parent).start();
    if span.is_recording() {
        span.set(names::messaging::SYSTEM, names::messaging::KAFKA);
        span.set(names::messaging::DESTINATION_NAME, Topic::Stock.name());
        span.set(names::messaging::OPERATION_NAME, "process");
        span.set(names::messaging::OPERATION_TYPE, "process");
        span.set(names::messaging::DESTINATION_PARTITION_ID, message.partition.to_string());
        span.set(names::messaging::KAFKA_OFFSET, message.offset);
        span.set(names::messaging::BATCH_MESSAGE_COUNT, batch.messages.len() as i64);
        span.set(names::wait::BROKER, seconds(batch.received_at.micros_since(message.timestamp)));
        span.set(names::wait::BATCH, seconds(Timestamp::now().micros_since(batch.received_at)));
        span.set(ORDER_ID, message.key.clone());
    }
    Some(span)
}

fn seconds(micros: i64) -> f64 {
    micros.max(0) as f64 / 1e6
}

fn measure(settled: &[Settled]) {
    for status in OrderStatus::ALL {
        METRICS.decided(status, settled.iter().filter(|order| order.decision.status == status).count() as u64);
    }
    for Settled { placed_at, decision, .. } in settled {
        METRICS.decision_latency(decision.decided_at.micros_since(*placed_at));
    }
}

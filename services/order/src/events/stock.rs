//! Inventory's news about orders, on `stock.v1`.

use std::{sync::Arc, time::Duration};

use contracts::{
    Timestamp,
    event::{StockRejected, StockReleased, StockReserved},
    order::OrderStatus,
};
use messaging::{
    Broken, Message,
    consumer::{Batch, Feed, HandleError, Handler},
    relay,
};

use crate::{
    metric_definitions::METRICS,
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
    async fn handle(&self, batch: &Arc<Batch>, _feed: &mut Feed<'_>) -> Result<(), HandleError> {
        let news = read(batch);
        let settled = self.store.settle(batch, &news, Timestamp::now()).await?;
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
    for (index, message) in batch.messages.iter().enumerate() {
        if let Err(reason) = understand(message, index, &mut news) {
            batch.note(index, |span| span.fail("dead_letter", &reason));
            news.broken.push(Told { what: reason, message, index });
        }
    }
    news
}

fn understand<'a>(message: &'a Message, index: usize, news: &mut News<'a>) -> Result<(), Broken> {
    if message.is::<StockReserved>() {
        let verdict = message.decode::<StockReserved>()?.into();
        news.verdicts.push(Told { what: verdict, message, index });
    } else if message.is::<StockRejected>() {
        let verdict = message.decode::<StockRejected>()?.into();
        news.verdicts.push(Told { what: verdict, message, index });
    } else if message.is::<StockReleased>() {
        news.releases.push(Told { what: message.decode()?, message, index });
    } else {
        return Err(message.unknown_type());
    }
    Ok(())
}

fn measure(settled: &[Settled]) {
    for status in OrderStatus::ALL {
        METRICS.decided(status, settled.iter().filter(|order| order.decision.value.status == status).count() as u64);
    }
    for Settled { placed_at, decision, trace, .. } in settled {
        let micros = decision.value.decided_at.micros_since(*placed_at);
        METRICS.decision_latency.record(Duration::from_micros(u64::try_from(micros).unwrap_or(0)), *trace);
    }
}

//! What this service consumes: inventory's news on `stock.v1`.

use contracts::{
    Timestamp,
    event::{StockRejected, StockReleased, StockReserved},
    order::OrderStatus,
};
use messaging::{
    Broken, Message,
    consumer::{Batch, HandleError, Handler},
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
    async fn handle(&self, batch: &Batch) -> Result<(), HandleError> {
        let news = read(&batch.messages);
        let settled = self.store.settle(batch.spans(), &news, Timestamp::now()).await?;
        self.relay.wake();
        measure(&settled);
        for Settled { id, decision, .. } in settled {
            self.waiting.decided(id, || decision);
        }
        Ok(())
    }
}

fn read(messages: &[Message]) -> News<'_> {
    let mut news = News::default();
    for message in messages {
        if let Err(reason) = understand(message, &mut news) {
            news.broken.push((message, reason));
        }
    }
    news
}

fn understand<'a>(message: &'a Message, news: &mut News<'a>) -> Result<(), Broken> {
    if message.is::<StockReserved>() {
        news.verdicts.push(Told { what: message.decode::<StockReserved>()?.into(), message });
    } else if message.is::<StockRejected>() {
        news.verdicts.push(Told { what: message.decode::<StockRejected>()?.into(), message });
    } else if message.is::<StockReleased>() {
        news.releases.push(Told { what: message.decode()?, message });
    } else {
        return Err(message.unknown_type());
    }
    Ok(())
}

fn measure(settled: &[Settled]) {
    for status in OrderStatus::ALL {
        METRICS.decided(status, settled.iter().filter(|order| order.decision.status == status).count() as u64);
    }
    for Settled { placed_at, decision, .. } in settled {
        METRICS.decision_latency(decision.decided_at.micros_since(*placed_at));
    }
}

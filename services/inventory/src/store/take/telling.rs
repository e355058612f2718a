//! What is told of news that were taken: to the world, and to traces and metrics.

use std::collections::HashMap;

use contracts::{
    OrderId, Timestamp,
    event::{Event as _, Hops, OrderPlaced, ReleaseReason, StockRejected, StockReleased, StockReserved},
};
use messaging::{BUCKETS, Broken, Message, outbox};
use telemetry::{
    context::TraceContext,
    names::{shop, wait},
};

use super::{OrderNews, Taken, Told, Waits};
use crate::{
    SOURCE,
    domain::{Decided, OrderEvent, Outcome},
};

/// What taking came to, which is noted on the spans of the messages.
pub(super) fn taken(news: &OrderNews, decided: &Decided<'_>, waits: Waits) -> Taken {
    note(news, decided, &waits);
    Taken { events: news.told.len(), waits, ..count(decided) }
}

/// The span of each placed order that is recorded.
pub(super) fn traces(news: &OrderNews) -> HashMap<OrderId, TraceContext> {
    let placed = news.told.iter().filter(|told| matches!(told.event, OrderEvent::Placed { .. }));
    let traces = placed.filter_map(|told| Some((told.event.order_id(), told.item.trace()?)));
    traces.filter(|(_, trace)| trace.is_sampled()).collect()
}

/// What the transaction waited for, and what became of each order, on the spans of its messages.
fn note(news: &OrderNews, decided: &Decided<'_>, waits: &Waits) {
    let mut outcomes: Vec<&str> = news.told.iter().map(|told| told.event.effect()).collect();
    for (index, outcome) in &decided.outcomes {
        outcomes[*index] = outcome.name();
    }
    for (told, outcome) in news.told.iter().zip(outcomes) {
        told.item.note(|span| {
            span.set(wait::POOL, waits.pool);
            waits.begin.into_iter().for_each(|begin| span.set(wait::BEGIN, begin));
            span.set(wait::LOCK, waits.lock);
            span.set(wait::ROW_LOCKS, waits.rows);
            waits.commit.into_iter().for_each(|commit| span.set(wait::COMMIT, commit));
            span.set(shop::OUTCOME, outcome);
        });
    }
}

/// What is to be said about news.
pub(super) fn publish(news: &OrderNews, decided: &Decided<'_>, decided_at: Timestamp) -> outbox::Batch {
    let mut events = outbox::Batch::new(SOURCE);
    for (index, outcome) in &decided.outcomes {
        let Told { event, item } = &news.told[*index];
        let order_id = event.order_id();
        let Message { timestamp: published_at, received_at, .. } = *item.message();
        let hops = Hops { published_at, received_at, decided_at };
        let (bucket, carried) = (order_id.bucket(BUCKETS), item.carried());
        match outcome {
            Outcome::Reserved => {
                let lines = event.lines().to_vec();
                events.push(bucket, &StockReserved { order_id, lines, hops }, carried);
            }
            Outcome::Rejected(lacking) => {
                events.push(bucket, &StockRejected { order_id, lacking: lacking.clone(), hops }, carried);
            }
            Outcome::Released => {
                let reason = ReleaseReason::Cancelled;
                events.push(bucket, &StockReleased { order_id, reason, released_at: decided_at }, carried);
            }
            Outcome::IdTaken => {
                let fault = format!("{order_id} stands for a reservation that was made by a request to this service");
                let reason = Broken::Value { event_type: OrderPlaced::TYPE, fault };
                events.dead_letter(item.message(), &reason, item.trace());
            }
        }
    }
    for (item, reason) in &news.broken {
        events.dead_letter(item.message(), reason, item.trace());
    }
    events
}

fn count(decided: &Decided<'_>) -> Taken {
    let mut taken = Taken { violations: decided.violations, ..Taken::default() };
    for (_, outcome) in &decided.outcomes {
        match outcome {
            Outcome::Reserved => taken.reserved += 1,
            Outcome::Rejected(_) => taken.rejected += 1,
            Outcome::Released => taken.released += 1,
            Outcome::IdTaken => {}
        }
    }
    taken
}

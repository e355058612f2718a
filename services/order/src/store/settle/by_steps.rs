//! Taking news by a statement after the other, in a transaction: any news, and as many as there are.

use std::{collections::HashSet, time::Instant};

use contracts::{
    OrderId,
    consistency::Written,
    event::{Event, OrderCancelled, ReleaseReason, StockRejected, StockReleased, StockReserved},
    order::{OrderStatus, Rejection},
};
use messaging::{BUCKETS, Broken, Message, consumer::HandleError, crash, inbox, outbox};
use sqlx::{Connection as _, PgConnection};
use telemetry::{
    names::{shop, wait},
    spans::in_statement,
};
use uuid::Uuid;

use super::{
    super::{
        shelves,
        transitions::{self, Moved},
    },
    News, Settled, Taken, Told, With, confirm,
};
use crate::{
    SOURCE,
    domain::{Decision, Verdict},
};

/// Takes a batch of news.
pub(super) async fn settle(
    connection: &mut PgConnection,
    news: &News<'_>,
    with: With<'_>,
) -> Result<Taken, HandleError> {
    let (batch, trace) = (with.batch, with.batch.trace());
    let mut clock = Instant::now();
    let mut transaction = connection.begin().await?;
    let begin = clock.elapsed();
    in_statement("UPDATE inbox_position", trace, inbox::advance(&mut transaction, batch.spans())).await?;
    let mut taking = Taking { with, events: outbox::Batch::new(SOURCE), taken: Taken::default(), idle: Vec::new() };
    taking.verdicts(&mut transaction, &news.verdicts).await?;
    taking.releases(&mut transaction, &news.releases).await?;
    taking.dead_letters(&mut transaction, &news.broken).await?;
    let writing = trace.filter(|_| !taking.events.is_empty());
    in_statement("INSERT outbox", writing, taking.events.write(&mut transaction)).await?;
    crash::point("consumer.before-commit");
    clock = Instant::now();
    in_statement("COMMIT", trace, transaction.commit()).await?;
    let commit = clock.elapsed();
    (0..batch.messages.len()).for_each(|index| {
        batch.note(index, |span| {
            span.set(wait::BEGIN, begin);
            span.set(wait::COMMIT, commit);
        });
    });
    Ok(taking.taken)
}

/// A batch on its way through its transaction.
struct Taking<'a> {
    with: With<'a>,
    events: outbox::Batch,
    taken: Taken,
    /// Messages that moved nothing: repeats, most likely.
    idle: Vec<Told<'a, OrderId>>,
}

impl<'a> Taking<'a> {
    async fn verdicts(&mut self, connection: &mut PgConnection, told: &[Told<'a, Verdict>]) -> Result<(), sqlx::Error> {
        let verdicts = || told.iter().map(|told| &told.what);
        let deciding = transitions::decide(connection, verdicts, (self.with.now, self.with.reads));
        let trace = self.with.batch.trace().filter(|_| !told.is_empty());
        let moved = in_statement("UPDATE orders", trace, deciding).await?;
        for moved in moved.iter().filter(|moved| moved.status == OrderStatus::Confirmed) {
            confirm(&mut self.events, &told[moved.index], self.with);
        }
        self.taken.verdicts(told, &moved, self.with);
        self.note_idle(told, &moved, |verdict| verdict.order_id);
        Ok(())
    }

    async fn releases(
        &mut self,
        connection: &mut PgConnection,
        told: &[Told<'a, StockReleased>],
    ) -> Result<(), sqlx::Error> {
        let expired: Vec<&Told<'_, _>> =
            told.iter().filter(|told| told.what.reason == ReleaseReason::Expired).collect();
        let ids = || expired.iter().map(|told| told.what.order_id);
        let trace = self.with.batch.trace().filter(|_| !expired.is_empty());
        let expiring = transitions::expire(connection, ids, (self.with.now, self.with.reads));
        for moved in in_statement("UPDATE orders", trace, expiring).await? {
            let Moved { index, status, placed_at, writing, order } = moved;
            let id = expired[index].what.order_id;
            if status == OrderStatus::Cancelled {
                let cancelled = OrderCancelled { order_id: id, cancelled_at: self.with.now };
                self.events.push(id.bucket(BUCKETS), &cancelled, self.with.batch.carried(expired[index].index));
            }
            self.with.batch.note(expired[index].index, |span| span.set(shop::OUTCOME, status.as_str()));
            let rejection = Some(Rejection::ReservationExpired);
            let decision = Decision { status, decided_at: self.with.now, rejection };
            self.taken.written.push(shelves::moved(id, status, order, writing));
            self.taken.settled.push(Settled {
                id,
                placed_at,
                decision: Written::new(decision, writing.position),
                trace: self.with.batch.trace_of(expired[index].index),
            });
        }
        let noting = transitions::note_releases(connection, || told.iter().map(|told| &told.what));
        let trace = self.with.batch.trace().filter(|_| !told.is_empty());
        let moved = in_statement("UPDATE orders", trace, noting).await?;
        for Moved { index, .. } in &moved {
            // Of one that has expired its order's status was told above, where that has changed.
            if told[*index].what.reason != ReleaseReason::Expired {
                self.with.batch.note(told[*index].index, |span| span.set(shop::OUTCOME, "released"));
            }
        }
        self.note_idle(told, &moved, |release| release.order_id);
        Ok(())
    }

    fn note_idle<T>(&mut self, told: &[Told<'a, T>], moved: &[Moved], id: impl Fn(&T) -> OrderId) {
        if moved.len() == told.len() {
            return;
        }
        let moved: HashSet<usize> = moved.iter().map(|moved| moved.index).collect();
        let idle = told.iter().enumerate().filter(|(index, _)| !moved.contains(index));
        self.idle.extend(idle.map(|(_, told)| Told { what: id(&told.what), message: told.message, index: told.index }));
    }

    /// Sends away what can't be understood, and what tells of orders that don't exist.
    async fn dead_letters(
        &mut self,
        connection: &mut PgConnection,
        broken: &[Told<'_, Broken>],
    ) -> Result<(), sqlx::Error> {
        for Told { what: reason, message, index } in broken {
            self.events.dead_letter(message, reason, self.with.batch.trace_of(*index));
        }
        if self.idle.is_empty() {
            return Ok(());
        }
        let ids: Vec<Uuid> = self.idle.iter().map(|told| told.what.as_uuid()).collect();
        let asking = transitions::known(connection, &ids);
        let known = in_statement("SELECT orders", self.with.batch.trace(), asking).await?;
        for &Told { what: id, message, index } in &self.idle {
            if known.contains(&id.as_uuid()) {
                self.with.batch.note(index, |span| span.set(shop::OUTCOME, "unchanged"));
                continue;
            }
            let reason = unknown_order(id, message);
            self.with.batch.note(index, |span| span.fail("dead_letter", &reason));
            self.events.dead_letter(message, &reason, self.with.batch.trace_of(index));
        }
        Ok(())
    }
}

fn unknown_order(id: OrderId, message: &Message) -> Broken {
    let event_type = match () {
        () if message.is::<StockReserved>() => StockReserved::TYPE,
        () if message.is::<StockRejected>() => StockRejected::TYPE,
        () => StockReleased::TYPE,
    };
    Broken::Value { event_type, fault: format!("there is no order {id}") }
}

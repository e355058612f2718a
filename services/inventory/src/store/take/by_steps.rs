//! Taking news by a statement after the other, in a transaction: any news, and as many as there are.

use std::{collections::HashMap, time::Duration};

use contracts::{OrderId, Timestamp};
use messaging::{
    crash,
    database::{self, copies::Writing},
    inbox,
};
use sqlx::{Connection, PgConnection};
use telemetry::{context::TraceContext, spans::in_statement};
use uuid::Uuid;

use super::{
    super::{ChangeError, Store, reservations, stock},
    Cancelled, OrderNews, Part, Stopwatch, Taken, Waits, With, telling,
};
use crate::{
    domain::{Decided, Found, Standing, decide},
    locking::{Access, Writes},
};

impl Store {
    pub(super) async fn take_by_steps(
        &self,
        part: Part<'_>,
        cancelled: Cancelled,
        with: With<'_>,
    ) -> Result<Taken, ChangeError> {
        let With { batches, access, waited, trace } = with;
        let news = part.news();
        let mut clock = Stopwatch::start();
        let mut connection = database::acquire(&self.pool, trace).await?;
        let pool = clock.lap();
        let mut transaction = connection.begin().await?;
        let begin = clock.lap();
        in_statement("UPDATE inbox_position", trace, inbox::advance(&mut transaction, &part.positions(batches)))
            .await?;
        self.told.enter(&mut transaction, access).await?;
        let (found, rows, waited_for_rows) = find(&mut transaction, news, cancelled, access.writes(), trace).await?;
        let decided_at = Timestamp::now();
        let decided = decide(news.told.iter().map(|told| &told.event), &found);
        let traces = telling::traces(news);
        let written = apply(&mut transaction, &decided, (&rows, access), decided_at, &traces, trace).await?;
        let events = telling::publish(news, &decided, decided_at);
        let writing = trace.filter(|_| !events.is_empty());
        in_statement("INSERT outbox", writing, events.write(&mut transaction)).await?;
        crash::point("consumer.before-commit");
        clock.lap();
        in_statement("COMMIT", trace, transaction.commit()).await?;
        self.told.done(access);
        self.stored(&decided.stock, &rows, written);
        let (begin, commit) = (Some(begin), Some(clock.lap()));
        let waits = Waits { lock: waited, pool, begin, rows: waited_for_rows, commit };
        Ok(telling::taken(news, &decided, waits))
    }
}

/// Reads what deciding these events needs to know, with every row locked that it may change, save reservations that are
/// only confirmed, which is one blind update; and save stock, where that is not how it is guarded.
///
/// What is read before its lock is only what can't change meanwhile. All news of an order come through one partition,
/// whose position this transaction has locked, so no other makes a reservation for these orders; and lines never change. A
/// status may, by the sweep, and is read under its lock where it matters. A request may make a reservation under one of these
/// ids, which ends this transaction when it comes to store its own; the batch is taken again then, and finds it.
async fn find(
    connection: &mut PgConnection,
    news: &OrderNews,
    cancelled: Cancelled,
    writes: Writes,
    trace: Option<TraceContext>,
) -> Result<(Found, stock::Rows, Duration), ChangeError> {
    let (placed, _) = news.orders();
    let found = reservations::statuses(connection, &placed);
    let placed_before = in_statement("SELECT reservations", of(trace, &placed), found).await?;

    let skus = news.skus(&cancelled);
    let mut clock = Stopwatch::start();
    let reading = trace.filter(|_| !skus.is_empty());
    let (levels, rows) = in_statement(writes.reading(), reading, stock::read(connection, skus, writes)).await?;
    let waited = clock.lap();

    let Cancelled(mut live) = cancelled;
    let locked: Vec<Uuid> = live.keys().map(|order| order.as_uuid()).collect();
    let found = reservations::lock(connection, &locked);
    let cancelled_before = in_statement("SELECT reservations FOR UPDATE", of(trace, &locked), found).await?;
    let direct = placed_before.iter().filter(|(_, place)| place.direct).map(|(order, _)| *order).collect();
    let mut places = placed_before;
    // Over the others, because they were read behind the lock.
    places.extend(cancelled_before);
    let standing = |(order, place): (OrderId, reservations::Place)| {
        let lines = live.remove(&order).unwrap_or_default();
        (order, Standing { status: place.status, lines })
    };
    let reservations = places.into_iter().map(standing).collect();
    Ok((Found { stock: levels, reservations, direct }, rows, waited))
}

async fn apply(
    connection: &mut PgConnection,
    decided: &Decided<'_>,
    (rows, access): (&stock::Rows, &Access),
    now: Timestamp,
    traces: &HashMap<OrderId, TraceContext>,
    trace: Option<TraceContext>,
) -> Result<Option<Writing>, ChangeError> {
    let setting = stock::set(connection, &decided.stock, rows, access);
    let written = in_statement("UPDATE stock", of(trace, &decided.stock), setting).await?;
    let (confirmed, released) = (&decided.confirmed, &decided.released);
    in_statement("UPDATE reservations", of(trace, confirmed), reservations::confirm(connection, confirmed)).await?;
    let inserted = reservations::insert(connection, &decided.reservations, (now, false), traces);
    in_statement("INSERT reservations", of(trace, &decided.reservations), inserted).await?;
    in_statement("UPDATE reservations", of(trace, released), reservations::release(connection, released, now)).await?;
    Ok(written)
}

/// The trace for a statement over these rows, which isn't made where there are none.
fn of<T>(trace: Option<TraceContext>, rows: &[T]) -> Option<TraceContext> {
    trace.filter(|_| !rows.is_empty())
}

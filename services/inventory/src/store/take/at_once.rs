//! Taking news by one statement, which is a transaction of its own, behind the one that reads the stock.

use contracts::Timestamp;
use messaging::{
    crash,
    database::{self, copies::Writing},
    inbox, saying, sighted,
};
use sqlx::{Row as _, postgres::PgBindIterExt};
use telemetry::spans::in_statement;

use super::{
    super::{ChangeError, Store, guard, reservations, stock},
    Cancelled, OrderNews, Part, Stopwatch, Taken, Waits, With, telling,
};
use crate::{
    domain::{Found, OrderEvent, decide},
    locking::{Access, Writes},
};

/// More than this are taken by steps: round trips are no matter then, and looking at rows before they are written is.
const MOST: usize = 64;

const SUPERSEDED: i32 = 1;
const OVERTAKEN: i32 = 2;
const RESERVED_BEFORE: i32 = 3;

/// Everything that a transaction of several statements does once it is decided, in one round trip instead of seven: at low
/// rates these are what an order costs, and for so long the lock of its stock is held. Changes nothing unless all positions
/// stand where the batch begins, all stock is as it was read, where it is guarded by that, and none of the orders has a
/// reservation.
///
/// Rows are locked in the order of positions, SKUs, and order ids, by the order of the conditions. Primary keys serve all of
/// it.
macro_rules! take {
    (shelves: $shelves:literal, token: $token:literal) => {
        concat!(
            "WITH ",
            inbox!(locked),
            ", decided AS (
                SELECT * FROM unnest($5::text[], $6::bigint[], $7::bigint[], $8::bigint[])
                           AS decided (sku, available, reserved, version)
            ), shelves AS (",
            $shelves,
            "), seen AS MATERIALIZED (
                SELECT CASE WHEN (SELECT count(*) FROM positions) < cardinality($1) THEN 1
                            WHEN (SELECT count(*) FROM shelves) < cardinality($5) THEN 2
                            WHEN EXISTS (SELECT FROM reservations WHERE order_id = ANY($9)) THEN 3
                            ELSE 0 END AS fault
            ), advanced AS (",
            inbox!(moving),
            "     AND (SELECT seen.fault FROM seen) = 0
            ), stored AS (
                UPDATE stock
                   SET available = shelves.available, reserved = shelves.reserved, version = stock.version + 1",
            $token,
            "     FROM shelves WHERE stock.sku = shelves.sku AND (SELECT seen.fault FROM seen) = 0
            ), made AS (
                INSERT INTO reservations (order_id, status, lines, lacking, released_at, trace, decided_at, direct)
                SELECT made.*, $15, false
                  FROM unnest($9::uuid[], $10::smallint[], $11::jsonb[], $12::jsonb[], $13::timestamptz[], $14::text[])
                    AS made
                 WHERE (SELECT seen.fault FROM seen) = 0
            ), confirmed AS (
                UPDATE reservations SET status = 1
                 WHERE order_id = ANY($16) AND status = 0 AND NOT direct AND (SELECT seen.fault FROM seen) = 0
            ), said AS (",
            saying!("$17", "$18", "$19"),
            "     WHERE (SELECT seen.fault FROM seen) = 0
            )
            SELECT seen.fault, ",
            sighted!(written),
            " FROM seen"
        )
    };
}

const TAKE: &str = take!(shelves: "SELECT * FROM decided", token: "");

const TAKE_FENCED: &str = take!(
    shelves: "
        SELECT decided.* FROM stock JOIN decided USING (sku)
         WHERE stock.version = decided.version AND (stock.token_epoch, stock.token_counter) <= ($20, $21)
         ORDER BY decided.sku FOR UPDATE OF stock",
    token: ", token_epoch = $20, token_counter = $21"
);

/// The statement in a few words.
const SUMMARY: &str = "UPDATE inbox_position UPDATE stock INSERT reservations UPDATE reservations INSERT outbox";

/// Whether news may be taken so: what is cancelled was there before, and its reservations have to be locked; and rows of stock
/// are not locked by a statement that has ended.
pub(super) fn may_be(news: &OrderNews, access: &Access, told: &guard::Told) -> bool {
    let cancels = || news.told.iter().any(|told| matches!(told.event, OrderEvent::Cancelled(_)));
    let may_write = access.is_of_nothing() || (told.knows(access) && !access.writes().lock_rows());
    news.told.len() <= MOST && may_write && !cancels()
}

impl Store {
    /// `None`, and nothing has happened, where an order has a reservation.
    pub(super) async fn take_at_once(&self, part: Part<'_>, with: With<'_>) -> Result<Option<Taken>, ChangeError> {
        let With { batches, access, waited, trace } = with;
        let (news, writes) = (part.news(), access.writes());
        let mut clock = Stopwatch::start();
        let mut connection = database::acquire(&self.pool, trace).await?;
        let pool = clock.lap();
        let cancelled = Cancelled::default();
        let skus = news.skus(&cancelled);
        let reading = trace.filter(|_| !skus.is_empty());
        let (stock, rows) = in_statement(writes.reading(), reading, stock::read(&mut connection, skus, writes)).await?;
        let waits = Waits { lock: waited, pool, rows: clock.lap(), ..Waits::default() };

        let found = Found { stock, ..Found::default() };
        let decided_at = Timestamp::now();
        let decided = decide(news.told.iter().map(|told| &told.event), &found);
        let (changes, new) = (&decided.stock, &decided.reservations);
        let traces = telling::traces(news);
        let fenced = match writes {
            Writes::Fenced(token) => Some(token.columns()),
            _ => None,
        };
        let taking = sqlx::query(if fenced.is_some() { TAKE_FENCED } else { TAKE });
        let taking = stock::bind(inbox::bind(taking, &part.positions(batches)), changes, &rows);
        let taking = reservations::bind(taking, new, decided_at, &traces);
        let taking = taking.bind(decided.confirmed.iter().map(|order| order.as_uuid()).bind_iter());
        let mut taking = telling::publish(news, &decided, decided_at).bind(taking);
        if let Some((epoch, counter)) = fenced {
            taking = taking.bind(epoch).bind(counter);
        }
        stock::about_to_write(changes, access)?;
        crash::point("consumer.before-commit");
        let row = in_statement(SUMMARY, trace, taking.fetch_one(&mut *connection)).await?;
        match row.try_get("fault")? {
            SUPERSEDED => return Err(ChangeError::Superseded),
            OVERTAKEN => return Err(ChangeError::Overtaken { by: None }),
            RESERVED_BEFORE => return Ok(None),
            _ => {}
        }
        let written = if changes.is_empty() { None } else { Some(Writing::of(&row)?) };
        self.stored(changes, &rows, written);
        Ok(Some(telling::taken(news, &decided, waits)))
    }
}

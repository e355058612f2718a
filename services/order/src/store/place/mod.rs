//! Writing new orders: many in one transaction.

mod at_once;
mod by_steps;

use contracts::{OrderLine, consistency::Written};
use messaging::{BUCKETS, outbox};
use sqlx::{
    Connection as _, PgConnection, Postgres,
    postgres::{PgArguments, PgBindIterExt, PgConnectOptions},
    query::Query,
    types::Json,
};
use telemetry::spans::{Span, in_statement};
use uuid::Uuid;

use super::Error;
use crate::{
    SOURCE,
    domain::{Claim, NewOrder, StoredOrder},
};

type Statement<'q> = Query<'q, Postgres, PgArguments>;

/// The statement that inserts orders, whose first parameters are those of [`columns`], up to where it may go on behind
/// a `WHERE` or `ON CONFLICT`.
macro_rules! insert {
    () => {
        "INSERT INTO orders (id, customer_id, lines, total_minor, currency, placed_at)
         SELECT * FROM unnest($1::uuid[], $2::text[], $3::jsonb[], $4::bigint[], $5::text[], $6::timestamptz[])"
    };
}
use insert;

/// Whether orders were tried to be stored before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// Never.
    First,
    /// At least once, and it is not known what became of that.
    Again,
}

/// What became of an order that was to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Placement {
    /// It is stored.
    Stored,
    /// Its key stands for this order, which asked for the same.
    Repeated(Box<Written<StoredOrder>>),
    /// Its key stands for an order that asked for something else.
    KeyTaken,
}

impl Placement {
    /// Its name, as spans have it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Repeated(_) => "repeated",
            Self::KeyTaken => "key_taken",
        }
    }
}

/// Writes orders, over a connection of its own that it makes anew when it is lost.
#[derive(Debug)]
pub struct Writer {
    options: PgConnectOptions,
    connection: Option<PgConnection>,
}

impl Writer {
    pub(super) fn new(options: PgConnectOptions) -> Self {
        Self { options, connection: None }
    }

    /// Stores orders, their keys and their events in one transaction, and answers for each, in their order, with the position of
    /// those that are stored. When
    /// that fails nothing is stored, unless the connection was lost while committing: then trying [`Attempt::Again`]
    /// with the same orders finds out, and stores nothing twice. `span` is the transaction's. May be dropped at any time.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn place<O: AsRef<NewOrder> + Sync>(
        &mut self,
        orders: &[O],
        attempt: Attempt,
        span: Option<&mut Span>,
    ) -> Result<Written<Vec<Placement>>, Error> {
        let trace = span.as_deref().and_then(Span::context);
        let orders: Vec<&NewOrder> = orders.iter().map(AsRef::as_ref).collect();
        // Taken out, so that a connection is lost, and not left half-way through, when this future is dropped.
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => in_statement("CONNECT", trace, PgConnection::connect_with(&self.options)).await?,
        };
        let placed = place(&mut connection, &orders, attempt, span).await.map_err(Error::from);
        if !placed.as_ref().is_err_and(Error::is_transient) {
            self.connection = Some(connection);
        }
        placed
    }
}

async fn place(
    connection: &mut PgConnection,
    orders: &[&NewOrder],
    attempt: Attempt,
    span: Option<&mut Span>,
) -> Result<Written<Vec<Placement>>, sqlx::Error> {
    let trace = span.as_deref().and_then(Span::context);
    if attempt == Attempt::First
        && let Some(position) = at_once::place(connection, orders, trace).await?
    {
        return Ok(Written::new(vec![Placement::Stored; orders.len()], position));
    }
    by_steps::place(connection, orders, attempt, span).await
}

/// These orders' columns as the next six parameters of a statement.
fn columns<'q>(statement: Statement<'q>, orders: &[&NewOrder]) -> Statement<'q> {
    let placed = || orders.iter().map(|order| &order.placed);
    statement
        .bind(placed().map(|order| order.order_id.as_uuid()).bind_iter())
        .bind(placed().map(|order| order.customer_id.as_ref().map(|id| id.as_str())).bind_iter())
        .bind(placed().map(|order| Json::<&[OrderLine]>(&order.lines)).bind_iter())
        .bind(placed().map(|order| order.total.minor).bind_iter())
        .bind(placed().map(|order| order.total.currency.as_str()).bind_iter())
        .bind(placed().map(|order| order.placed_at.as_offset()).bind_iter())
}

/// What these orders claim, in the order of keys, so that two transactions with the same keys wait for each other in one
/// direction only.
fn claims<'a>(orders: &[&'a NewOrder]) -> Vec<(&'a Claim, Uuid)> {
    let mut claims: Vec<_> =
        orders.iter().filter_map(|order| Some((order.claim.as_ref()?, order.id().as_uuid()))).collect();
    claims.sort_unstable_by(|(one, _), (other, _)| one.key.cmp(&other.key));
    claims
}

/// Claims as the next three parameters of a statement.
fn keys<'q>(statement: Statement<'q>, claims: &[(&Claim, Uuid)]) -> Statement<'q> {
    statement
        .bind(claims.iter().map(|(claim, _)| claim.key.as_str()).bind_iter())
        .bind(claims.iter().map(|(claim, _)| claim.fingerprint.as_bytes()).bind_iter())
        .bind(claims.iter().map(|(_, id)| *id).bind_iter())
}

/// What is to be said of orders that are placed.
fn events<'a>(orders: impl Iterator<Item = &'a NewOrder>) -> outbox::Batch {
    let mut events = outbox::Batch::new(SOURCE);
    for order in orders {
        events.push(order.id().bucket(BUCKETS), &order.placed, order.carried.clone());
    }
    events
}

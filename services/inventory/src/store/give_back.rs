//! Giving back what reservations hold.

use std::collections::{BTreeSet, HashMap};

use contracts::{OrderId, Sku, StockLine, Timestamp, stock::ReservationStatus};
use messaging::database::copies::Writing;
use sqlx::PgConnection;
use telemetry::{context::TraceContext, spans::in_statement};
use uuid::Uuid;

use super::{ChangeError, Store, reservations, stock};
use crate::{
    domain::{Found, Level, OrderEvent, Standing, decide},
    locking::Access,
};

/// What was given back.
pub(super) struct GivenBack {
    pub(super) released: Vec<OrderId>,
    /// See [`crate::domain::Decided::violations`].
    pub(super) violations: u64,
    /// What was written of their stock.
    stock: Vec<(Sku, Level)>,
    rows: stock::Rows,
    written: Option<Writing>,
}

impl Store {
    /// Tells of the stock of what was given back, when that is committed.
    pub(super) fn gave_back(&self, given: &GivenBack) {
        self.stored(&given.stock, &given.rows, given.written);
    }
}

/// Locks reservations, of which these are the lines, looks in which status they are, and releases at `now` those that are in
/// one of `from`: they may have been confirmed or released since they were found.
pub(super) async fn give_back(
    connection: &mut PgConnection,
    mut lines: HashMap<OrderId, Vec<StockLine>>,
    from: &[ReservationStatus],
    access: &Access,
    (now, trace): (Timestamp, Option<TraceContext>),
) -> Result<GivenBack, ChangeError> {
    let skus: BTreeSet<&str> = lines.values().flatten().map(|line| line.sku.as_str()).collect();
    let writes = access.writes();
    let (stock, rows) = in_statement(writes.reading(), trace, stock::read(connection, skus, writes)).await?;
    let ids: Vec<Uuid> = lines.keys().map(|order| order.as_uuid()).collect();
    let locking = reservations::lock(connection, &ids);
    let locked = in_statement("SELECT reservations FOR UPDATE", trace, locking).await?;
    let due = locked.into_iter().filter(|(_, place)| from.contains(&place.status));
    let standing = |(order, place): (OrderId, reservations::Place)| {
        let lines = lines.remove(&order).unwrap_or_default();
        (order, Standing { status: place.status, lines })
    };
    let found = Found { stock, reservations: due.map(standing).collect(), ..Found::default() };
    let events: Vec<OrderEvent> = found.reservations.keys().copied().map(OrderEvent::Cancelled).collect();
    let decided = decide(&events, &found);

    let setting = stock::set(connection, &decided.stock, &rows, access);
    let written = in_statement("UPDATE stock", trace, setting).await?;
    let releasing = reservations::release(connection, &decided.released, now);
    in_statement("UPDATE reservations", trace, releasing).await?;
    let (released, violations, stock) = (decided.released, decided.violations, decided.stock);
    Ok(GivenBack { released, violations, stock, rows, written })
}

//! Reservations that requests ask for: many in one transaction.

use std::{
    collections::{BTreeSet, HashMap},
    time::Instant,
};

use contracts::{OrderId, Timestamp, consistency::Written};
use messaging::database;
use sqlx::Connection as _;
use telemetry::{
    context::TraceContext,
    names::wait,
    spans::{Span, in_statement},
};

use super::{ChangeError, Store, reservations, stock};
use crate::{
    domain::{Answer, DirectReservation, Found, Standing, Stood, answers, decide},
    locking::Access,
};

impl Store {
    /// Decides requests in their order and stores what that comes to, in one transaction, and answers each. `access` is to
    /// the stock of all their SKUs, `traces` are where those that are recorded go on, and `span` is the transaction's.
    ///
    /// May be dropped at any time, and done again with the same requests when it isn't known what became of it: one that is
    /// stored is found by its id.
    ///
    /// # Errors
    /// A later holder of the lock has stored, another has stored under one of the ids at the same time, and those of the
    /// database; then nothing has happened.
    pub async fn reserve<D: AsRef<DirectReservation>>(
        &self,
        wanted: &[D],
        traces: &HashMap<OrderId, TraceContext>,
        access: &Access,
        span: Option<&mut Span>,
    ) -> Result<Vec<Written<Answer>>, ChangeError> {
        let trace = span.as_deref().and_then(Span::context);
        let began = Instant::now();
        let mut connection = database::acquire(&self.pool, trace).await?;
        if let Some(span) = span {
            span.set(wait::POOL, began.elapsed());
        }
        let mut transaction = connection.begin().await?;
        self.told.enter(&mut transaction, access).await?;
        let wanted = || wanted.iter().map(AsRef::as_ref);
        let finding = reservations::stood(&mut transaction, wanted().map(DirectReservation::order_id));
        let before = in_statement("SELECT reservations", trace, finding).await?;
        let before_at: HashMap<OrderId, u64> = before.iter().map(|(id, stood)| (*id, stood.position)).collect();
        let before: HashMap<OrderId, Stood> = before.into_iter().map(|(id, stood)| (id, stood.value)).collect();
        let skus: BTreeSet<&str> = wanted().flat_map(DirectReservation::lines).map(|line| line.sku.as_str()).collect();
        let writes = access.writes();
        let (stock, rows) = in_statement(writes.reading(), trace, stock::read(&mut transaction, skus, writes)).await?;

        let standing =
            before.iter().map(|(id, stood)| (*id, Standing { status: stood.reservation.status, lines: Vec::new() }));
        let found = Found { stock, reservations: standing.collect(), ..Found::default() };
        let now = Timestamp::now();
        let decided = decide(wanted().map(DirectReservation::placing), &found);
        let setting = stock::set(&mut transaction, &decided.stock, &rows, access);
        let written = in_statement("UPDATE stock", trace.filter(|_| !decided.stock.is_empty()), setting).await?;
        let inserting = reservations::insert(&mut transaction, &decided.reservations, (now, true), traces);
        let inserted = trace.filter(|_| !decided.reservations.is_empty());
        let position = in_statement("INSERT reservations", inserted, inserting).await.map_err(taken)?;
        in_statement("COMMIT", trace, transaction.commit()).await?;
        self.told.done(access);
        self.stored(&decided.stock, &rows, written);
        let at = |id| before_at.get(&id).copied().or(position).unwrap_or_default();
        position.into_iter().for_each(|position| self.copies.wrote(position));
        let answers = answers(wanted(), before, &decided, now);
        Ok(answers
            .into_iter()
            .zip(wanted())
            .map(|(answer, wanted)| Written::new(answer, at(wanted.order_id())))
            .collect())
    }
}

/// Two may store under one id at the same time where they have no product in common, or no lock.
fn taken(error: sqlx::Error) -> ChangeError {
    match error.as_database_error() {
        Some(refused) if refused.is_unique_violation() => ChangeError::IdTaken,
        _ => error.into(),
    }
}

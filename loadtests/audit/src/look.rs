//! One look: a pass over everything.

use contracts::{order::OrderStatus, stock::ReservationStatus};
use messaging::Topics;

use crate::{
    AuditError, Check, Counts, Subject,
    acknowledged::Ledger,
    case::Case,
    checks::{self, acknowledged::Roll, oversold::Oversold, stock::Live},
    dead_letters,
    findings::Findings,
    store::{Cases, Connection, Frame, Snapshot},
};

/// Where to look.
pub(crate) struct Place<'p> {
    pub(crate) order: Connection,
    pub(crate) inventory: Connection,
    pub(crate) kafka: &'p str,
    pub(crate) topics: &'p Topics,
}

/// Takes a look. The databases come first, in snapshots taken at once.
///
/// # Errors
/// When something can't be read.
pub(crate) async fn look(
    place: &mut Place<'_>,
    ledger: &Ledger<'_>,
    findings: &mut Findings,
) -> Result<Counts, AuditError> {
    let (mut order, mut inventory) = tokio::try_join!(place.order.snapshot(), place.inventory.snapshot())?;
    let mut look = Look { counts: Counts::default(), live: Live::default(), findings };
    look.cases(&mut order, &mut inventory, ledger).await?;
    look.stock(&mut inventory).await?;
    look.outbox(&mut order).await?;
    look.outbox(&mut inventory).await?;
    let mut counts = look.counts;
    tokio::try_join!(order.end(), inventory.end())?;
    dead_letters::examine(place.kafka, place.topics, findings).await?;
    counts.acknowledged = ledger.notes.iter().filter(|note| note.id.is_some()).count() as u64;
    counts.unanswered = ledger.notes.len() as u64 - counts.acknowledged;
    Ok(counts)
}

struct Look<'f> {
    counts: Counts,
    live: Live,
    findings: &'f mut Findings,
}

impl Look<'_> {
    async fn cases(
        &mut self,
        order: &mut Snapshot<'_>,
        inventory: &mut Snapshot<'_>,
        ledger: &Ledger<'_>,
    ) -> Result<(), AuditError> {
        let mut roll = Roll::new(ledger);
        let mut cases = Cases::open(order, inventory).await?;
        while let Some(case) = cases.next(order, inventory).await? {
            self.count(&case);
            self.live.add(&case);
            checks::examine(&case, self.findings);
            roll.examine(&case, self.findings);
        }
        roll.finish(self.findings);
        Ok(())
    }

    fn count(&mut self, case: &Case) {
        let Counts { orders, reservations, idempotency_keys, .. } = &mut self.counts;
        *idempotency_keys += case.keys.len() as u64;
        match case.order.as_ref().map(|order| order.status) {
            None => {}
            Some(OrderStatus::Pending) => orders.pending += 1,
            Some(OrderStatus::Confirmed) => orders.confirmed += 1,
            Some(OrderStatus::Rejected) => orders.rejected += 1,
            Some(OrderStatus::Cancelled) => orders.cancelled += 1,
        }
        reservations.direct += u64::from(case.reservation.as_ref().is_some_and(|reservation| reservation.direct));
        match case.reservation.as_ref().map(|reservation| reservation.status) {
            None => {}
            Some(ReservationStatus::Held) => reservations.held += 1,
            Some(ReservationStatus::Confirmed) => reservations.confirmed += 1,
            Some(ReservationStatus::Rejected) => reservations.rejected += 1,
            Some(ReservationStatus::Released) => reservations.released += 1,
        }
    }

    /// Comes behind the cases, which tell what live reservations hold.
    async fn stock(&mut self, inventory: &mut Snapshot<'_>) -> Result<(), AuditError> {
        let mut oversold = Vec::new();
        for (shelf, adjustments) in inventory.shelves().await? {
            self.counts.skus += u64::from(shelf.level.is_some());
            self.counts.adjustments += adjustments;
            oversold.extend(self.live.examine(&shelf, self.findings));
        }
        oversold.extend(std::mem::take(&mut self.live).finish(self.findings));
        self.oversold(inventory, &oversold).await
    }

    /// Says to whom what was never there is promised.
    async fn oversold(&mut self, inventory: &mut Snapshot<'_>, oversold: &[Oversold]) -> Result<(), AuditError> {
        if oversold.is_empty() {
            return Ok(());
        }
        let pieces = oversold.iter().map(Oversold::pieces).fold(0, i128::saturating_add);
        self.counts.oversold = pieces.try_into().unwrap_or(u64::MAX);
        let skus: Vec<&str> = oversold.iter().map(|oversold| oversold.sku.as_str()).collect();
        let mut takers = inventory.last_takers(&skus).await?;
        for oversold in oversold {
            let what = oversold.told(&takers.remove(&oversold.sku).unwrap_or_default());
            self.findings.wrong(Check::StockNotOversold, Subject::Sku(oversold.sku.clone()), what);
        }
        Ok(())
    }

    /// Frame by frame: in a shop that works there is always one on its way, but never one for long.
    async fn outbox(&mut self, snapshot: &mut Snapshot<'_>) -> Result<(), AuditError> {
        let database = snapshot.database();
        let findings = &mut *self.findings;
        findings.examined(Check::OutboxEmpty, 1);
        let note = |Frame { id, messages, written_at }| {
            let what = format!("expected it to be sent and deleted, found {messages} messages written at {written_at}");
            findings.wrong(Check::OutboxEmpty, Subject::Frame { database, id }, what);
        };
        snapshot.frames(note).await
    }
}

//! Looking again until what is left is no work in flight.

use std::time::{Duration, Instant};

use messaging::Topics;

use crate::{
    Acknowledged, AuditError, Database, Report, Source,
    acknowledged::Ledger,
    findings::Findings,
    look::{self, Place},
    store::Connection,
};

/// Between the first two looks; then it doubles. Work in flight is decided in less, as a rule.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

pub(crate) async fn audit(
    source: &Source,
    topics: &Topics,
    acknowledged: &[Acknowledged],
    patience: Duration,
) -> Result<Report, AuditError> {
    let began = Instant::now();
    let ledger = Ledger::new(acknowledged);
    let (order, inventory) = tokio::try_join!(
        Connection::open(Database::Order, &source.order_database),
        Connection::open(Database::Inventory, &source.inventory_database),
    )?;
    let mut place = Place { order, inventory, kafka: &source.kafka, topics };
    let mut pause = FIRST_PAUSE;
    let mut looks = 0;
    let mut findings = Findings::default();
    loop {
        let counts = look::look(&mut place, &ledger, &mut findings).await?;
        looks += 1;
        let seen = findings.seen();
        tracing::debug!(looks, seen, "looked");
        if seen == 0 || (looks > 1 && began.elapsed() >= patience) {
            let checks = findings.into_outcomes();
            return Ok(Report { counts, checks, looks, seconds: began.elapsed().as_secs_f64() });
        }
        tokio::time::sleep(pause).await;
        pause = LONGEST_PAUSE.min(pause * 2);
        findings = findings.next();
    }
}

#![doc = include_str!("../README.md")]

mod acknowledged;
mod case;
mod checks;
mod dead_letters;
mod error;
mod findings;
mod look;
mod patience;
mod render;
mod report;
mod source;
mod store;

use std::time::Duration;

use messaging::Topics;

pub use acknowledged::Acknowledged;
pub use checks::Check;
pub use error::AuditError;
pub use report::{Counts, OrderCounts, Outcome, Report, ReservationCounts, Subject, Violation};
pub use source::{Database, Source};

/// Looks at everything until a look finds nothing wrong, or `patience` is over, and reports what was wrong in the last
/// two looks. `acknowledged` is what a load driver was told: it may be empty.
///
/// # Errors
/// [`AuditError`] when something can't be read. What is read and found wrong is no error: it stands in the report.
pub async fn audit(source: &Source, acknowledged: &[Acknowledged], patience: Duration) -> Result<Report, AuditError> {
    patience::audit(source, &Topics::default(), acknowledged, patience).await
}

/// Does the same for an installation that puts `topic_prefix` in front of the names of its topics.
///
/// # Errors
/// Those of [`audit`].
pub async fn audit_prefixed(
    source: &Source,
    topic_prefix: &str,
    acknowledged: &[Acknowledged],
    patience: Duration,
) -> Result<Report, AuditError> {
    patience::audit(source, &Topics::with_prefix(topic_prefix), acknowledged, patience).await
}

//! What waits to be sent.

use contracts::Timestamp;
use futures::TryStreamExt as _;
use sqlx::Row as _;
use time::OffsetDateTime;

use super::{Snapshot, failed};
use crate::AuditError;

/// Reads the whole table, which is empty or all of it wrong.
const FRAMES: &str = "SELECT id, message_count, written_at FROM outbox";

/// A row of the outbox.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame {
    pub(crate) id: i64,
    pub(crate) messages: i32,
    pub(crate) written_at: Timestamp,
}

impl Snapshot<'_> {
    /// Gives every row of the outbox to `each`, one after the other: while Kafka is away there may be very many.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) async fn frames(&mut self, mut each: impl FnMut(Frame)) -> Result<(), AuditError> {
        let failed = failed(self.database);
        let mut rows = sqlx::query(FRAMES).fetch(&mut *self.transaction);
        while let Some(row) = rows.try_next().await.map_err(failed)? {
            each(Frame {
                id: row.try_get(0).map_err(failed)?,
                messages: row.try_get(1).map_err(failed)?,
                written_at: row.try_get::<OffsetDateTime, _>(2).map_err(failed)?.into(),
            });
        }
        Ok(())
    }
}

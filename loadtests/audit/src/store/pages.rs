//! A table in the order of order ids, page by page, so that no table need fit into memory.

use std::{collections::VecDeque, fmt};

use contracts::OrderId;
use sqlx::{Row as _, postgres::PgRow};
use uuid::Uuid;

use super::{Snapshot, failed};
use crate::AuditError;

/// How a table is walked.
pub(super) struct Walk<T> {
    pub(super) table: &'static str,
    /// Declares a cursor over rows whose first column is an order's id, in the order of those. A cursor's plan is made
    /// once for all pages, so a sort, where one is needed, is done once too.
    pub(super) declare: &'static str,
    /// Fetches the cursor's next page.
    pub(super) fetch: &'static str,
    /// Reads the other columns of a row.
    pub(super) read: fn(&PgRow) -> Result<T, sqlx::Error>,
}

/// A table on its way past.
pub(super) struct Pages<T> {
    walk: Walk<T>,
    page: VecDeque<(OrderId, T)>,
    ended: bool,
}

impl<T> Pages<T> {
    pub(super) async fn open(walk: Walk<T>, snapshot: &mut Snapshot<'_>) -> Result<Self, AuditError> {
        let declared = sqlx::query(walk.declare).execute(&mut *snapshot.transaction).await;
        declared.map_err(failed(snapshot.database))?;
        Ok(Self { walk, page: VecDeque::new(), ended: false })
    }

    /// The order id of the next row; `None` behind the last. `snapshot` is the one it was opened in.
    pub(super) async fn head(&mut self, snapshot: &mut Snapshot<'_>) -> Result<Option<OrderId>, AuditError> {
        if self.page.is_empty() && !self.ended {
            self.turn(snapshot).await?;
        }
        Ok(self.page.front().map(|(id, _)| *id))
    }

    /// Takes the row that [`head`](Self::head) has shown, if it is about this order.
    pub(super) fn take(&mut self, id: OrderId) -> Option<T> {
        self.page.pop_front_if(|(head, _)| *head == id).map(|(_, row)| row)
    }

    async fn turn(&mut self, snapshot: &mut Snapshot<'_>) -> Result<(), AuditError> {
        let database = snapshot.database;
        let rows = sqlx::query(self.walk.fetch).fetch_all(&mut *snapshot.transaction).await;
        for row in rows.map_err(failed(database))? {
            let order: OrderId = row.try_get::<Uuid, _>(0).map_err(failed(database))?.into();
            let read = (self.walk.read)(&row);
            let read = read.map_err(|source| AuditError::Row { database, table: self.walk.table, order, source })?;
            self.page.push_back((order, read));
        }
        self.ended = self.page.is_empty();
        Ok(())
    }
}

impl<T> fmt::Debug for Pages<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages").field("table", &self.walk.table).finish_non_exhaustive()
    }
}

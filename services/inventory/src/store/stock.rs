//! Rows of stock.

use std::collections::BTreeSet;

use cache::News;
use contracts::{
    Sku,
    consistency::{Answer, Demand},
    stock::Stock,
};
use locks::Lost;
use messaging::{
    crash,
    database::copies::{Found, Writing},
    sighted,
};
use sqlx::{PgConnection, PgPool, Row as _, postgres::PgBindIterExt};
use telemetry::context::TraceContext;

use super::{
    ChangeError, Error, Statement, Store,
    rows::{ShelfRow, StockRow},
    shelves::{self, OfStock},
};
use crate::{
    domain::Level,
    locking::{Access, Writes},
};

const GET: &str = sighted!("SELECT sku, available, reserved, version, xmin AS written FROM stock WHERE sku = $1");

/// Sorted again outside, where no order is promised of what is joined.
const PAGE: &str = concat!(
    sighted!(
        "SELECT sku, available, reserved, version, xmin AS written FROM stock
      WHERE sku > $1 ORDER BY sku LIMIT $2"
    ),
    " ORDER BY found.sku"
);

/// In the order of SKUs, see the lock order.
const READ: &str = "SELECT sku, available, reserved, version, token_epoch, token_counter
       FROM stock WHERE sku = ANY($1) ORDER BY sku";

/// The same, locked.
const LOCK: &str = "SELECT sku, available, reserved, version, token_epoch, token_counter
       FROM stock WHERE sku = ANY($1) ORDER BY sku FOR UPDATE";

/// The primary key is probed for each row given. Answers one row, however many are written.
const SET: &str = concat!(
    "WITH written AS (UPDATE stock
        SET available = decided.available, reserved = decided.reserved, version = stock.version + 1
       FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS decided (sku, available, reserved)
      WHERE stock.sku = decided.sku RETURNING 1)
     SELECT count(*) AS count, ",
    sighted!(written),
    " FROM written"
);

/// The same, of rows that are as they were read, and that no greater token has stored.
const SET_FENCED: &str = concat!(
    "WITH written AS (UPDATE stock
        SET available = decided.available, reserved = decided.reserved, version = stock.version + 1,
            token_epoch = $5, token_counter = $6
       FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[]) AS decided (sku, available, reserved, version)
      WHERE stock.sku = decided.sku AND stock.version = decided.version
        AND (stock.token_epoch, stock.token_counter) <= ($5, $6) RETURNING 1)
     SELECT count(*) AS count, ",
    sighted!(written),
    " FROM written"
);

impl Store {
    /// The stock of a SKU; `None` where there is no such product. What is read from the cache shows below `trace`.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn stock(
        &self,
        sku: &Sku,
        demand: &Demand,
        trace: Option<TraceContext>,
    ) -> Result<Answer<Option<Stock>>, Error> {
        self.by_sku::<_, StockRow>(&self.shelves.stock, GET, sku, demand, trace).await
    }

    /// The stock of up to `most` products behind `after`, by SKU.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn stocks(&self, after: Option<&Sku>, most: i64, demand: &Demand) -> Result<Answer<Vec<Stock>>, Error> {
        let after = after.map_or("", Sku::as_str);
        let asking =
            |copy: PgPool| async move { Found::all(&sqlx::query(PAGE).bind(after).bind(most).fetch_all(&copy).await?) };
        let found = self.copies.read(demand, asking).await?;
        Ok(found.map(|rows: Vec<StockRow>| rows.into_iter().map(Into::into).collect()))
    }

    /// Tells of stock that was written, when that is committed.
    pub(super) fn stored(&self, levels: &[(Sku, Level)], rows: &Rows, writing: Option<Writing>) {
        if let Some(writing) = writing {
            self.copies.wrote(writing.position);
            self.shelves.stock.changed(rows.news(levels, writing));
        }
    }
}

/// What a transaction has to know of the rows it has read, to write them.
pub(super) struct Rows {
    skus: Vec<Sku>,
    /// Of each.
    versions: Vec<i64>,
    writes: Writes,
}

impl Rows {
    /// Of each of these, which are among those that were read.
    fn versions<'a>(&'a self, levels: &'a [(Sku, Level)]) -> impl Iterator<Item = i64> + 'a {
        let place = |sku: &Sku| self.skus.partition_point(|read| read.as_str() < sku.as_str());
        levels.iter().filter_map(move |(sku, _)| self.versions.get(place(sku)).copied())
    }

    /// What was written of these. Whoever wrote without looking does not know over which version.
    fn news<'a>(&'a self, levels: &'a [(Sku, Level)], writing: Writing) -> impl Iterator<Item = News<OfStock>> + 'a {
        let known = self.writes != Writes::Blind;
        let before = self.versions(levels).map(move |version| known.then_some(version));
        levels.iter().zip(before).map(move |((sku, level), before)| shelves::written(sku, *level, before, writing))
    }
}

/// Reads those rows of these SKUs that there are, by SKU, and locks them where that is how they are guarded.
///
/// # Errors
/// A greater token has stored one of them, and those of the database.
pub(super) async fn read(
    connection: &mut PgConnection,
    skus: BTreeSet<&str>,
    writes: Writes,
) -> Result<(Vec<(Sku, Level)>, Rows), ChangeError> {
    let mut levels = Vec::with_capacity(skus.len());
    let mut known = Rows { skus: Vec::new(), versions: Vec::new(), writes };
    if skus.is_empty() {
        return Ok((levels, known));
    }
    let statement = if writes.lock_rows() { LOCK } else { READ };
    let rows: Vec<ShelfRow> =
        sqlx::query_as(statement).bind(skus.into_iter().bind_iter()).fetch_all(connection).await?;
    for ShelfRow { sku, level, version, token } in rows {
        writes.admit(token)?;
        known.skus.push(sku.clone());
        known.versions.push(version);
        levels.push((sku, level));
    }
    Ok((levels, known))
}

/// Writes rows that were read, and answers what was written; `None` where nothing was to be.
///
/// # Errors
/// The lock is lost, or, where rows are fenced, another has stored one of them since; and those of the database.
pub(super) async fn set(
    connection: &mut PgConnection,
    levels: &[(Sku, Level)],
    rows: &Rows,
    access: &Access,
) -> Result<Option<Writing>, ChangeError> {
    if levels.is_empty() {
        return Ok(None);
    }
    about_to_write(levels, access)?;
    let written = match rows.writes {
        Writes::Fenced(token) => {
            let (epoch, counter) = token.columns();
            let fenced = bind(sqlx::query(SET_FENCED), levels, rows).bind(epoch).bind(counter);
            let written = fenced.fetch_one(connection).await?;
            if written.try_get::<i64, _>("count")?.cast_unsigned() != levels.len() as u64 {
                return Err(ChangeError::Overtaken { by: None });
            }
            written
        }
        _ => bind_levels(sqlx::query(SET), levels).fetch_one(connection).await?,
    };
    Ok(Some(Writing::of(&written)?))
}

/// Whether rows may still be written, to be asked right before.
///
/// # Errors
/// The lock is lost.
pub(super) fn about_to_write(levels: &[(Sku, Level)], access: &Access) -> Result<(), Lost> {
    if !levels.is_empty() {
        access.check()?;
        crash::point("stock.before-write");
    }
    Ok(())
}

/// Rows that were read, as they are to be and with the version that was read, as the next four parameters of a statement.
pub(super) fn bind<'q>(statement: Statement<'q>, levels: &[(Sku, Level)], rows: &Rows) -> Statement<'q> {
    bind_levels(statement, levels).bind(rows.versions(levels).bind_iter())
}

fn bind_levels<'q>(statement: Statement<'q>, levels: &[(Sku, Level)]) -> Statement<'q> {
    statement
        .bind(levels.iter().map(|(sku, _)| sku.as_str()).bind_iter())
        .bind(levels.iter().map(|(_, level)| level.available).bind_iter())
        .bind(levels.iter().map(|(_, level)| level.reserved).bind_iter())
}

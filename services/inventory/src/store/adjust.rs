//! Adjusting stock by hand.

use std::time::Instant;

use contracts::{
    Sku, Timestamp,
    consistency::Written,
    stock::{Adjustment, Stock},
};
use locks::Token;
use messaging::{
    database::copies::{self, Writing},
    sighted,
};
use sqlx::{Connection as _, FromRow, PgConnection, Row as _, postgres::PgRow};
use telemetry::{
    context::TraceContext,
    names::{shop, wait},
    spans::{self, Span, in_statement},
};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    ChangeError, Store,
    rows::{ShelfRow, StockRow, sku},
    shelves::of_stock,
};
use crate::{
    domain::{Claim, Level, NewAdjustment, Refused},
    locking::Access,
};

/// Served by the primary key, like [`SET`]. The row is locked whatever the strategy: an adjustment is seldom, and so two
/// under one key come one after the other.
const LOCK: &str = "SELECT sku, available, reserved, version, token_epoch, token_counter
       FROM stock WHERE sku = $1 FOR UPDATE";

/// A row that is locked, and that no greater token has stored.
const SET: &str = concat!(
    "UPDATE stock SET available = $2, version = version + 1,
            token_epoch = greatest(token_epoch, $3),
            token_counter = CASE WHEN $3 > token_epoch THEN $4 ELSE greatest(token_counter, $4) END
      WHERE sku = $1 RETURNING sku, available, reserved, version, ",
    sighted!(written)
);

/// Served by the unique index on the key.
const HOLDER: &str = concat!(
    "SELECT sku, delta, reason, available_after, reserved_after, version_after, adjusted_at, body_hash, ",
    sighted!(row "stock_adjustments"),
    " FROM stock_adjustments WHERE idempotency_key = $1"
);

/// Inserts nothing where the key is taken, by a transaction that is waited for if it is still on its way.
const INSERT: &str = "INSERT INTO stock_adjustments (id, sku, delta, reason, idempotency_key, body_hash,
        available_after, reserved_after, version_after, adjusted_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (idempotency_key) DO NOTHING";

/// What became of an adjustment that was to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Adjusted {
    /// It is made.
    Made(Written<Adjustment>),
    /// It was made before, under the same key.
    Repeated(Written<Adjustment>),
    /// Its key stands for an adjustment that asked for something else.
    KeyTaken,
    /// There is no such product.
    Unknown,
    /// The stock does not allow it.
    Refused(Refused),
}

impl Adjusted {
    /// What became of it, as spans have it.
    fn name(&self) -> &'static str {
        match self {
            Self::Made(_) => "stored",
            Self::Repeated(_) => "repeated",
            Self::KeyTaken => "key_taken",
            Self::Unknown => "unknown",
            Self::Refused(_) => "refused",
        }
    }
}

impl Store {
    /// Adjusts stock, in one transaction with the record of it. `access` is to the stock of its SKU.
    ///
    /// # Errors
    /// A later holder of the lock has stored, and those of the database; then nothing has happened.
    pub async fn adjust(
        &self,
        wanted: &NewAdjustment,
        claim: Option<&Claim>,
        access: &Access,
        trace: Option<TraceContext>,
    ) -> Result<Adjusted, ChangeError> {
        let mut span = spans::transaction("adjust stock", trace);
        let done = self.adjust_in(&mut span, wanted, claim, access).await;
        match &done {
            Ok(adjusted) => span.set(shop::OUTCOME, adjusted.name()),
            Err(fault) => span.fail(fault.class(), fault),
        }
        if let Ok(Adjusted::Made(written) | Adjusted::Repeated(written)) = &done {
            self.copies.wrote(written.position);
        }
        done
    }

    async fn adjust_in(
        &self,
        span: &mut Span,
        wanted: &NewAdjustment,
        claim: Option<&Claim>,
        access: &Access,
    ) -> Result<Adjusted, ChangeError> {
        let (trace, began) = (span.context(), Instant::now());
        let mut connection = self.pool.acquire().await?;
        span.set(wait::POOL, began.elapsed());
        let mut transaction = connection.begin().await?;
        self.told.enter(&mut transaction, access).await?;
        // Under the lock, so that of two equal requests at once the second sees what the first has done.
        let locking = sqlx::query_as(LOCK).bind(wanted.sku.as_str()).fetch_optional(&mut *transaction);
        let locked: Option<ShelfRow> = in_statement("SELECT stock FOR UPDATE", trace, locking).await?;
        let Some(ShelfRow { level, token: seen, .. }) = locked else { return Ok(Adjusted::Unknown) };
        if let Some(claim) = claim
            && let Some(held) = in_statement("SELECT stock_adjustments", trace, holder(&mut transaction, claim)).await?
        {
            return Ok(held);
        }
        let level = match level.adjust(wanted.delta) {
            Ok(level) => level,
            Err(refused) => return Ok(Adjusted::Refused(refused)),
        };
        let setting = set(&mut transaction, wanted, level, (seen, access));
        let (stock, writing) = in_statement("UPDATE stock", trace, setting).await?;
        let made = Adjustment {
            sku: wanted.sku.clone(),
            delta: wanted.delta,
            reason: wanted.reason.clone(),
            stock,
            adjusted_at: Timestamp::now(),
        };
        if !in_statement("INSERT stock_adjustments", trace, record(&mut transaction, &made, claim)).await? {
            // The same key came for another product at the same time, and that transaction was first.
            return Ok(Adjusted::KeyTaken);
        }
        in_statement("COMMIT", trace, transaction.commit()).await?;
        self.told.done(access);
        self.shelves.stock.changed([of_stock(made.stock.clone(), writing)]);
        Ok(Adjusted::Made(Written::new(made, writing.position)))
    }
}

/// Writes a row that is locked and that the token `seen` has stored last.
async fn set(
    connection: &mut PgConnection,
    wanted: &NewAdjustment,
    level: Level,
    (seen, access): (Token, &Access),
) -> Result<(Stock, Writing), ChangeError> {
    let writes = access.writes();
    writes.admit(seen)?;
    access.check()?;
    let (epoch, counter) = writes.token().columns();
    let setting = sqlx::query(SET).bind(wanted.sku.as_str()).bind(level.available).bind(epoch).bind(counter);
    let row = setting.fetch_one(connection).await?;
    let StockRow(stock) = StockRow::from_row(&row)?;
    Ok((stock, Writing::of(&row)?))
}

/// What the claim's key stands for, if it is taken.
async fn holder(connection: &mut PgConnection, claim: &Claim) -> Result<Option<Adjusted>, sqlx::Error> {
    let held: Option<Held> = sqlx::query_as(HOLDER).bind(&claim.key).fetch_optional(connection).await?;
    Ok(held.map(|held| match held.body_hash.as_deref() == Some(claim.fingerprint.as_bytes()) {
        true => Adjusted::Repeated(held.adjustment),
        false => Adjusted::KeyTaken,
    }))
}

/// Keeps the record; `false` where its key is taken.
async fn record(connection: &mut PgConnection, made: &Adjustment, claim: Option<&Claim>) -> Result<bool, sqlx::Error> {
    let inserted = sqlx::query(INSERT)
        .bind(Uuid::now_v7())
        .bind(made.sku.as_str())
        .bind(made.delta)
        .bind(&made.reason)
        .bind(claim.map(|claim| &claim.key))
        .bind(claim.map(|claim| claim.fingerprint.as_bytes()))
        .bind(made.stock.available)
        .bind(made.stock.reserved)
        .bind(made.stock.version)
        .bind(made.adjusted_at.as_offset())
        .execute(connection)
        .await?;
    Ok(inserted.rows_affected() == 1)
}

/// The adjustment that holds a key, with what it asked for.
struct Held {
    adjustment: Written<Adjustment>,
    body_hash: Option<Vec<u8>>,
}

impl<'r> FromRow<'r, PgRow> for Held {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        let sku: Sku = sku(row, 0)?;
        let stock =
            Stock { sku: sku.clone(), available: row.try_get(3)?, reserved: row.try_get(4)?, version: row.try_get(5)? };
        let adjusted_at = row.try_get::<OffsetDateTime, _>(6)?.into();
        let adjustment = Adjustment { sku, delta: row.try_get(1)?, reason: row.try_get(2)?, stock, adjusted_at };
        Ok(Self { adjustment: Written::new(adjustment, copies::shown(row)?), body_hash: row.try_get(7)? })
    }
}

//! What a statement's snapshot shows.

use sqlx::{FromRow, Row as _, postgres::PgRow};

/// How many transaction ids there are until the 32 bits that a row keeps of them begin again.
const ROUND: u64 = 1 << 32;

/// Makes a statement of a `SELECT` that says with its rows how new they are: `snapshot`, PostgreSQL's, and in each row
/// `written`, which the `SELECT` has to have as `table.xmin AS written`. Where nothing is found there is one row without
/// `written`. `before` and `behind` are what stands around the `SELECT`, for one that is put together while it runs. It costs a
/// statement that finds one row next to nothing; numbers made of both by PostgreSQL cost it a third more.
///
/// `written` is the id of the transaction that writes, and what it sees, as further columns of a statement that writes, for
/// [`Writing`](crate::database::copies::Writing).
///
/// `row "table"` is `written` and `ends` as further columns of a plain `SELECT` from it, for
/// [`shown`](crate::database::copies::shown).
#[macro_export]
macro_rules! sighted {
    // A transaction that writes sees its own rows, whose id need not be before the end of its snapshot.
    (row $table:literal) => {
        concat!(
            $table,
            ".xmin AS written, greatest(pg_snapshot_xmax(pg_current_snapshot())::text::bigint,
                 pg_current_xact_id_if_assigned()::text::bigint + 1) AS ends"
        )
    };
    (written) => {
        "pg_current_xact_id()::text::bigint AS transaction,
             pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS sees"
    };
    // `OFFSET 0`: made once, however many rows are found.
    (before) => {
        "SELECT found.*, sight.snapshot FROM (SELECT pg_current_snapshot()::text AS snapshot OFFSET 0) AS sight
         LEFT JOIN LATERAL ("
    };
    (behind) => {
        ") AS found ON true"
    };
    ($($select:expr),+ $(,)?) => {
        concat!($crate::sighted!(before), $($select,)+ $crate::sighted!(behind))
    };
}

/// How new what was found is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sight {
    /// Every write before or at this position is in it.
    pub sees: u64,
    /// The position of the newest write that it shows; 0 where nothing was found.
    pub shows: u64,
}

/// What a statement found, and how new that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<T> {
    /// What was found.
    pub value: T,
    /// How new it is.
    pub sight: Sight,
}

/// The position of what a transaction of this id writes, as `pg_current_xact_id()::text::bigint` answers it.
pub fn position(transaction: i64) -> u64 {
    transaction.cast_unsigned() + 1
}

/// What a transaction writes, of a statement with `sighted!(written)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Writing {
    /// The position of what it writes.
    pub position: u64,
    /// What others wrote before or at this position was there when it was written.
    pub sees: u64,
}

impl Writing {
    /// Of a row of such a statement.
    ///
    /// # Errors
    /// The row has no such columns.
    pub fn of(row: &PgRow) -> Result<Self, sqlx::Error> {
        let sees: i64 = row.try_get("sees")?;
        Ok(Self { position: position(row.try_get("transaction")?), sees: sees.cast_unsigned() })
    }
}

/// The position of the write that a row shows, of a statement with `sighted!(row "table")`.
///
/// # Errors
/// The row has no such columns.
pub fn shown(row: &PgRow) -> Result<u64, sqlx::Error> {
    let (written, ends) = (written(row)?.ok_or(sqlx::Error::RowNotFound)?, row.try_get::<i64, _>("ends")?);
    Ok(widened(written, ends.cast_unsigned()) + 1)
}

/// The 32 bits that a row keeps of the id of the transaction that wrote it. sqlx knows no type of it; it is sent as a number
/// of four bytes.
fn written(row: &PgRow) -> Result<Option<u64>, sqlx::Error> {
    let kept: Option<i32> = row.try_get_unchecked("written")?;
    Ok(kept.map(|kept| u64::from(kept.cast_unsigned())))
}

/// A text that is no snapshot.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no snapshot")]
struct NoSnapshot(String);

/// The oldest transaction that still runs, and the first that has not ended, of a snapshot as PostgreSQL writes one:
/// `xmin:xmax:xip,…`.
fn bounds(snapshot: &str) -> Result<(u64, u64), sqlx::Error> {
    let mut numbers = snapshot.splitn(3, ':').map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(sees)), Some(Ok(ends))) => Ok((sees, ends)),
        _ => Err(sqlx::Error::Decode(Box::new(NoSnapshot(snapshot.to_owned())))),
    }
}

impl Sight {
    /// What is new in both is new in what is made of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { sees: self.sees.min(other.sees), shows: self.shows.max(other.shows) }
    }
}

impl<R: for<'r> FromRow<'r, PgRow>> Found<Vec<R>> {
    /// Reads all rows of a [`sighted`](crate::sighted) statement.
    ///
    /// # Errors
    /// A row can't be read.
    pub fn all(rows: &[PgRow]) -> Result<Self, sqlx::Error> {
        let first = rows.first().ok_or(sqlx::Error::RowNotFound)?;
        let (sees, ends) = bounds(first.try_get("snapshot")?)?;
        let (mut value, mut shows) = (Vec::with_capacity(rows.len()), 0);
        for row in rows {
            if let Some(written) = written(row)? {
                value.push(R::from_row(row)?);
                shows = shows.max(widened(written, ends) + 1);
            }
        }
        Ok(Self { value, sight: Sight { sees, shows } })
    }
}

impl<R: for<'r> FromRow<'r, PgRow>> Found<Option<R>> {
    /// Reads the only row of a [`sighted`](crate::sighted) statement.
    ///
    /// # Errors
    /// The row can't be read.
    pub fn one(row: &PgRow) -> Result<Self, sqlx::Error> {
        let Found { mut value, sight } = Found::all(std::slice::from_ref(row))?;
        Ok(Self { value: value.pop(), sight })
    }
}

impl<T> Found<T> {
    /// The same with something made of what was found.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Found<U> {
        Found { value: make(self.value), sight: self.sight }
    }
}

/// The whole of a transaction's id of which a row keeps 32 bits: the greatest before `ends`, as what is shown has ended. Of a
/// row that has stood for 2^32 transactions it is too great by that; then too much is asked for, and never too little.
fn widened(kept: u64, ends: u64) -> u64 {
    let near = (ends & !(ROUND - 1)) | kept;
    if near < ends { near } else { near.saturating_sub(ROUND) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_id_is_widened_to_the_one_before_the_end_of_the_snapshot(id in 3..1u64 << 50, ahead in 1..ROUND) {
            prop_assert_eq!(widened(id % ROUND, id + ahead), id);
        }

        #[test]
        fn of_an_old_row_it_is_never_too_small(id in 3..1u64 << 50, ahead in ROUND..1u64 << 51) {
            prop_assert!(widened(id % ROUND, id + ahead) >= id);
        }
    }

    #[test]
    fn a_snapshot_is_read_up_to_what_it_leaves_out() {
        assert_eq!(bounds("10:20:10,14,15").unwrap(), (10, 20));
        assert_eq!(bounds("18446744073709551614:18446744073709551615:").unwrap(), (u64::MAX - 1, u64::MAX));
        for wrong in ["", "10", "10:", "a:b:", ":20:"] {
            assert!(bounds(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn ids_at_the_turn() {
        assert_eq!(widened(5, ROUND + 6), ROUND + 5);
        assert_eq!(widened(5, ROUND + 5), 5);
        assert_eq!(widened(ROUND - 1, ROUND), ROUND - 1);
        assert_eq!(widened(7, 5), 0, "nothing that is shown is like this");
    }

    #[test]
    fn both_together_see_what_both_see_and_show_what_either_shows() {
        let (a, b) = (Sight { sees: 5, shows: 3 }, Sight { sees: 4, shows: 9 });
        assert_eq!(a.and(b), Sight { sees: 4, shows: 9 });
    }
}

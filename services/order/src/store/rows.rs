//! How an order stands in a row.

use contracts::{
    CustomerId, Money, OrderId, Timestamp,
    order::{OrderStatus, Rejection},
};
use sqlx::{FromRow, Row as _, postgres::PgRow, types::Json};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::{StoredOrder, Times};

/// The columns that [`OrderRow`] reads, in its order.
macro_rules! order_columns {
    () => {
        "orders.id, orders.status, orders.customer_id, orders.lines, orders.total_minor, orders.currency, \
         orders.placed_at, orders.published_at, orders.received_at, orders.reserved_at, orders.decided_at, \
         orders.cancelled_at, orders.released_at, orders.rejection"
    };
}
pub(super) use order_columns;

/// A row of [`order_columns`], the first columns of its statement.
pub(super) struct OrderRow(pub(super) StoredOrder);

impl<'r> FromRow<'r, PgRow> for OrderRow {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        let at = |index: usize| row.try_get::<Option<OffsetDateTime>, _>(index).map(|at| at.map(Timestamp::from));
        let customer_id = row.try_get::<Option<&str>, _>(2)?.map(CustomerId::try_from).transpose();
        let currency = row.try_get::<&str, _>(5)?.parse();
        Ok(Self(StoredOrder {
            id: OrderId::from(row.try_get::<Uuid, _>(0)?),
            status: status_of(row.try_get(1)?)?,
            customer_id: customer_id.map_err(decode)?,
            lines: row.try_get::<Json<_>, _>(3)?.0,
            total: Money { minor: row.try_get(4)?, currency: currency.map_err(decode)? },
            times: Times {
                placed_at: row.try_get::<OffsetDateTime, _>(6)?.into(),
                published_at: at(7)?,
                received_at: at(8)?,
                reserved_at: at(9)?,
                decided_at: at(10)?,
                cancelled_at: at(11)?,
                released_at: at(12)?,
            },
            rejection: row.try_get::<Option<Json<Rejection>>, _>(13)?.map(|json| json.0),
        }))
    }
}

/// The code of a status in the column.
pub(super) fn code_of(status: OrderStatus) -> i16 {
    match status {
        OrderStatus::Pending => 0,
        OrderStatus::Confirmed => 1,
        OrderStatus::Rejected => 2,
        OrderStatus::Cancelled => 3,
    }
}

/// A code that is no status.
#[derive(Debug, thiserror::Error)]
#[error("{0} is no order status")]
struct UnknownStatus(i16);

/// The status of a code in the column.
pub(super) fn status_of(code: i16) -> Result<OrderStatus, sqlx::Error> {
    OrderStatus::ALL.into_iter().find(|&status| code_of(status) == code).ok_or_else(|| decode(UnknownStatus(code)))
}

fn decode(fault: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(fault))
}

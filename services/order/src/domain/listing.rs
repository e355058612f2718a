//! Which orders a list holds.

use contracts::{CustomerId, OrderId, Timestamp, order::OrderStatus};
use uuid::Uuid;

/// Which orders a list holds, and from where on. They stand in the order of their ids, which is the order in which
/// they were placed, to the millisecond.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Only this customer's.
    pub customer_id: Option<CustomerId>,
    /// Only those in this status.
    pub status: Option<OrderStatus>,
    /// Only those placed later than this.
    pub placed_after: Option<Timestamp>,
    /// Only those behind this one.
    pub cursor: Option<OrderId>,
    /// At most so many.
    pub limit: u16,
}

impl Listing {
    /// The id behind which every order of this list stands.
    ///
    /// A UUID of version 7 begins with its millisecond (RFC 9562, section 5.7), and an order's id is never of an
    /// earlier one than its `placed_at`: so the time is a bound of the primary key too.
    pub fn behind(&self) -> Uuid {
        let placed = self.placed_after.map_or(Uuid::nil(), first_of_millisecond);
        self.cursor.map_or(placed, |cursor| cursor.as_uuid().max(placed))
    }
}

/// Below every version 7 UUID of this time's millisecond, and above every one of the millisecond before it.
fn first_of_millisecond(at: Timestamp) -> Uuid {
    let millis = u64::try_from(at.unix_millis()).unwrap_or(0);
    Uuid::from_u128(u128::from(millis) << 80)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::tests::new_order;

    #[test]
    fn an_order_stands_behind_the_bound_of_its_own_time() {
        let mut listing = Listing { customer_id: None, status: None, placed_after: None, cursor: None, limit: 1 };
        for _ in 0..1_000 {
            let order = new_order();
            listing.placed_after = Some(order.placed.placed_at);
            assert!(order.id().as_uuid() > listing.behind());
        }
    }

    #[test]
    fn the_later_of_cursor_and_time_counts() {
        let early: OrderId = "01900000-0000-7000-8000-000000000000".parse().unwrap();
        let late: OrderId = "01ff0000-0000-7000-8000-000000000000".parse().unwrap();
        let listing = |cursor| Listing {
            customer_id: None,
            status: None,
            placed_after: Some("2025-11-24T00:00:00Z".parse().unwrap()),
            cursor: Some(cursor),
            limit: 1,
        };
        assert!(listing(early).behind() > early.as_uuid());
        assert_eq!(listing(late).behind(), late.as_uuid());
    }
}

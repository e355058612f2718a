//! An order as it is stored, and what can be told of it.

use contracts::{
    CustomerId, Money, OrderId, OrderLine, Timestamp,
    order::{Hop, Order, OrderStatus, Rejection, Step},
};

use super::Decision;

const HERE: &str = "order";
const INVENTORY: &str = "inventory";

/// An order as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredOrder {
    /// Its identifier.
    pub id: OrderId,
    /// Where it is in its life.
    pub status: OrderStatus,
    /// Who ordered, where known.
    pub customer_id: Option<CustomerId>,
    /// What was ordered.
    pub lines: Vec<OrderLine>,
    /// The sum of its lines.
    pub total: Money,
    /// When things happened to it.
    pub times: Times,
    /// What inventory lacked, or that the reservation expired. A cancelled order may have one that no longer decides
    /// anything.
    pub rejection: Option<Rejection>,
}

/// The times of an order's way, each by the clock of the service that made the hop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// Accepted.
    pub placed_at: Timestamp,
    /// Handed to Kafka.
    pub published_at: Option<Timestamp>,
    /// Taken from Kafka by inventory.
    pub received_at: Option<Timestamp>,
    /// Reserved, or found lacking, by inventory.
    pub reserved_at: Option<Timestamp>,
    /// Confirmed or rejected.
    pub decided_at: Option<Timestamp>,
    /// Cancelled.
    pub cancelled_at: Option<Timestamp>,
    /// Given back by inventory.
    pub released_at: Option<Timestamp>,
}

/// What a customer's wish to cancel an order means for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancellation {
    /// It is to be cancelled now.
    Due,
    /// It is cancelled already.
    Done,
    /// It was rejected: there is nothing to cancel.
    Refused,
}

impl Cancellation {
    /// What comes of it, as spans have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Due => "cancelled",
            Self::Done => "unchanged",
            Self::Refused => "refused",
        }
    }
}

impl StoredOrder {
    /// The decision about it, or `None` while it is PENDING.
    pub fn decision(&self) -> Option<Decision> {
        let Times { decided_at, cancelled_at, .. } = self.times;
        let (decided_at, rejection) = match self.status {
            OrderStatus::Pending => return None,
            OrderStatus::Confirmed => (decided_at, None),
            OrderStatus::Rejected => (decided_at, self.rejection.clone()),
            // Inventory's word on an order that its customer cancelled first is not why it was cancelled.
            OrderStatus::Cancelled => {
                (cancelled_at, self.rejection.clone().filter(|why| *why == Rejection::ReservationExpired))
            }
        };
        Some(Decision { status: self.status, decided_at: decided_at.unwrap_or(self.times.placed_at), rejection })
    }

    /// The order as it is.
    pub fn into_order(self) -> Order {
        match self.decision() {
            Some(decision) => decision.apply(self.into_pending()),
            None => self.into_pending(),
        }
    }

    /// The order as it was when it was placed, whatever became of it.
    pub fn into_pending(self) -> Order {
        Order {
            id: self.id,
            status: OrderStatus::Pending,
            customer_id: self.customer_id,
            lines: self.lines,
            total: self.total,
            placed_at: self.times.placed_at,
            decided_at: None,
            rejection: None,
        }
    }

    /// What a customer's wish to cancel it means.
    pub fn cancellation(&self) -> Cancellation {
        match self.status {
            OrderStatus::Pending | OrderStatus::Confirmed => Cancellation::Due,
            OrderStatus::Cancelled => Cancellation::Done,
            OrderStatus::Rejected => Cancellation::Refused,
        }
    }

    /// Each hop of its way and its time, in the order of time.
    pub fn timeline(&self) -> Vec<Hop> {
        let Times { placed_at, published_at, received_at, reserved_at, decided_at, cancelled_at, released_at } =
            self.times;
        let lacked = matches!(self.rejection, Some(Rejection::InsufficientStock { .. }));
        let decided = if self.status == OrderStatus::Rejected { Step::Rejected } else { Step::Confirmed };
        // Kafka's clock counts whole milliseconds: what it puts into the millisecond of the placing came after it.
        let published_at =
            published_at.map(|at| if at.unix_millis() == placed_at.unix_millis() { at.max(placed_at) } else { at });
        let steps = [
            (Step::Placed, HERE, Some(placed_at)),
            (Step::Published, HERE, published_at),
            (Step::Received, INVENTORY, received_at),
            (if lacked { Step::Lacked } else { Step::Reserved }, INVENTORY, reserved_at),
            (decided, HERE, decided_at),
            (Step::Cancelled, HERE, cancelled_at),
            (Step::Released, INVENTORY, released_at),
        ];
        let mut hops: Vec<Hop> = steps
            .into_iter()
            .filter_map(|(step, service, at)| Some(Hop { step, service: service.to_owned(), at: at? }))
            .collect();
        hops.sort_by_key(|hop| hop.at);
        hops
    }
}

#[cfg(test)]
mod tests {
    use contracts::{Currency, Quantity};
    use proptest::prelude::*;

    use super::*;

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_unix_micros(1_291_191_960_000_000 + micros).unwrap()
    }

    fn order(status: OrderStatus) -> StoredOrder {
        let unit_price = Money { minor: 255, currency: Currency::GBP };
        StoredOrder {
            id: OrderId::generate(),
            status,
            customer_id: None,
            lines: vec![OrderLine { sku: "A".parse().unwrap(), quantity: Quantity::try_from(1).unwrap(), unit_price }],
            total: unit_price,
            times: Times {
                placed_at: at(700),
                published_at: None,
                received_at: None,
                reserved_at: None,
                decided_at: None,
                cancelled_at: None,
                released_at: None,
            },
            rejection: None,
        }
    }

    fn steps(order: &StoredOrder) -> Vec<Step> {
        order.timeline().into_iter().map(|hop| hop.step).collect()
    }

    #[test]
    fn kafkas_millisecond_does_not_come_before_the_placing() {
        let mut placed = order(OrderStatus::Pending);
        placed.times.published_at = Some(at(0));
        assert_eq!(steps(&placed), [Step::Placed, Step::Published]);
        assert_eq!(placed.timeline()[1].at, at(700));
    }

    #[test]
    fn a_confirmed_order_that_was_cancelled_keeps_both_times_and_shows_the_later() {
        let mut cancelled = order(OrderStatus::Cancelled);
        cancelled.times.reserved_at = Some(at(2_000));
        cancelled.times.decided_at = Some(at(3_000));
        cancelled.times.cancelled_at = Some(at(4_000));
        cancelled.times.released_at = Some(at(5_000));
        assert_eq!(steps(&cancelled), [Step::Placed, Step::Reserved, Step::Confirmed, Step::Cancelled, Step::Released]);
        assert_eq!(cancelled.into_order().decided_at, Some(at(4_000)));
    }

    #[test]
    fn what_lacked_is_no_reason_of_an_order_that_was_cancelled_first() {
        let mut cancelled = order(OrderStatus::Cancelled);
        cancelled.times.cancelled_at = Some(at(1_000));
        cancelled.times.reserved_at = Some(at(2_000));
        cancelled.rejection = Some(Rejection::InsufficientStock { lines: vec![] });
        assert_eq!(steps(&cancelled), [Step::Placed, Step::Cancelled, Step::Lacked]);
        assert_eq!(cancelled.into_order().rejection, None);
    }

    #[test]
    fn only_a_rejected_order_refuses_to_be_cancelled() {
        let rules = OrderStatus::ALL.map(|status| order(status).cancellation());
        assert_eq!(rules, [Cancellation::Due, Cancellation::Due, Cancellation::Refused, Cancellation::Done]);
    }

    proptest! {
        #[test]
        fn a_timeline_is_in_the_order_of_time(times in prop::array::uniform7(prop::option::of(0i64..10_000_000))) {
            let mut stored = order(OrderStatus::Cancelled);
            let [placed, published, received, reserved, decided, cancelled, released] = times.map(|t| t.map(at));
            stored.times = Times {
                placed_at: placed.unwrap_or(at(0)),
                published_at: published,
                received_at: received,
                reserved_at: reserved,
                decided_at: decided,
                cancelled_at: cancelled,
                released_at: released,
            };
            let timeline = stored.timeline();
            prop_assert!(timeline.is_sorted_by_key(|hop| hop.at));
            prop_assert_eq!(timeline.len(), 1 + times[1..].iter().flatten().count());
        }
    }
}

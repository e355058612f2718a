//! Deciding a batch: what each event does to stock and reservations, one after the other, in memory.
//!
//! The rows are locked, so this is the only one to change them; and because nothing here waits, two thousand orders for
//! one product cost a row one update instead of two thousand.

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use contracts::{Lacking, OrderId, Sku, StockLine, stock::ReservationStatus};

use super::{Level, OrderEvent};

/// What stood in the database when a batch's rows were locked.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// The stock of every SKU that the batch may change, as far as there are such SKUs.
    pub stock: Vec<(Sku, Level)>,
    /// The reservations there are of the orders that the batch places or cancels.
    pub reservations: HashMap<OrderId, Standing>,
    /// Ids among the batch's that stand for reservations made by requests: they belong to no order.
    pub direct: HashSet<OrderId>,
}

/// A reservation that was there before the batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Where it is in its life.
    pub status: ReservationStatus,
    /// What it holds. May be empty where the batch does not cancel the order.
    pub lines: Vec<StockLine>,
}

/// What a batch comes to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decided<'a> {
    /// The stock that changed, as it now is: nothing that is as it was.
    pub stock: Vec<(Sku, Level)>,
    /// Reservations that were not there before, each as the whole batch leaves it.
    pub reservations: Vec<NewReservation<'a>>,
    /// Orders whose reservation becomes CONFIRMED if it is there and HELD: before the new ones are stored, because an
    /// order that was confirmed first and placed then stays HELD, as it would in two batches.
    pub confirmed: Vec<OrderId>,
    /// Orders whose reservation was there before and becomes RELEASED.
    pub released: Vec<OrderId>,
    /// What is to be told of, in this order, each with the index of the event it comes from.
    pub outcomes: Vec<(usize, Outcome)>,
    /// Lines to be given back of which fewer were reserved. Anything but 0 means that stock was changed by other means
    /// than reservations and adjustments.
    pub violations: u64,
}

/// A reservation to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewReservation<'a> {
    /// Of which order.
    pub order_id: OrderId,
    /// Where it is in its life.
    pub status: ReservationStatus,
    /// What it holds, held, or asked for.
    pub lines: &'a [StockLine],
    /// Of a REJECTED one: each line that lacked.
    pub lacking: Option<Vec<Lacking>>,
}

/// What an event came to that others must learn of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Every line is reserved.
    Reserved,
    /// These lines lacked, so nothing is reserved.
    Rejected(Vec<Lacking>),
    /// What was reserved is available again.
    Released,
    /// Its id stands for a reservation that was made by a request, so nothing is reserved for it.
    IdTaken,
}

impl Outcome {
    /// Its name, as spans have it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Reserved => "reserved",
            Self::Rejected(_) => "rejected",
            Self::Released => "released",
            Self::IdTaken => "refused",
        }
    }
}

/// Decides events in their order. An order is reserved whole or not at all; an event that comes twice, or too late,
/// changes nothing and comes to nothing.
///
/// A cancellation of an order that has no reservation comes to nothing either. Within a partition no order is cancelled
/// before it is placed, so that takes a log that lost messages; an order placed after it is then reserved, never
/// confirmed, and expires.
///
/// An order whose id stands for a reservation that was made by a request gets nothing, and none of its events changes that
/// reservation.
pub fn decide<'a>(events: impl IntoIterator<Item = &'a OrderEvent>, found: &'a Found) -> Decided<'a> {
    let mut deciding = Deciding::new(found);
    for (index, event) in events.into_iter().enumerate() {
        match event {
            OrderEvent::Placed { order_id, .. } if found.direct.contains(order_id) => {
                deciding.decided.outcomes.push((index, Outcome::IdTaken));
            }
            other if found.direct.contains(&other.order_id()) => {}
            OrderEvent::Placed { order_id, lines } => deciding.place(index, *order_id, lines),
            OrderEvent::Confirmed(order_id) => deciding.confirm(*order_id),
            OrderEvent::Cancelled(order_id) => deciding.cancel(index, *order_id),
        }
    }
    deciding.finish()
}

struct Deciding<'a> {
    shelves: Vec<Shelf<'a>>,
    places: HashMap<&'a str, usize>,
    orders: HashMap<OrderId, Order<'a>>,
    /// The orders that had no reservation, as they came.
    new: Vec<OrderId>,
    decided: Decided<'a>,
}

struct Shelf<'a> {
    sku: &'a Sku,
    before: Level,
    now: Level,
}

struct Order<'a> {
    /// `None` where there was no reservation.
    before: Option<ReservationStatus>,
    now: ReservationStatus,
    lines: &'a [StockLine],
    lacking: Option<Vec<Lacking>>,
}

impl<'a> Deciding<'a> {
    fn new(found: &'a Found) -> Self {
        let shelf = |(sku, level): &'a (Sku, Level)| Shelf { sku, before: *level, now: *level };
        let order = |(id, standing): (&OrderId, &'a Standing)| {
            let Standing { status, lines } = standing;
            (*id, Order { before: Some(*status), now: *status, lines, lacking: None })
        };
        Self {
            shelves: found.stock.iter().map(shelf).collect(),
            places: found.stock.iter().enumerate().map(|(place, (sku, _))| (sku.as_str(), place)).collect(),
            orders: found.reservations.iter().map(order).collect(),
            new: Vec::new(),
            decided: Decided::default(),
        }
    }

    fn place(&mut self, index: usize, order_id: OrderId, lines: &'a [StockLine]) {
        if self.orders.contains_key(&order_id) {
            return;
        }
        let lacking: Vec<Lacking> = lines.iter().filter_map(|line| self.lacks(line)).collect();
        let order = if lacking.is_empty() {
            lines.iter().for_each(|line| self.reserve(line));
            self.decided.outcomes.push((index, Outcome::Reserved));
            Order { before: None, now: ReservationStatus::Held, lines, lacking: None }
        } else {
            self.decided.outcomes.push((index, Outcome::Rejected(lacking.clone())));
            Order { before: None, now: ReservationStatus::Rejected, lines, lacking: Some(lacking) }
        };
        self.orders.insert(order_id, order);
        self.new.push(order_id);
    }

    fn confirm(&mut self, order_id: OrderId) {
        match self.orders.get_mut(&order_id) {
            Some(order) if order.now == ReservationStatus::Held => order.now = ReservationStatus::Confirmed,
            Some(_) => {}
            // Most confirmations: their reservation was made by an earlier batch, and need not be read for this.
            None => self.decided.confirmed.push(order_id),
        }
    }

    fn cancel(&mut self, index: usize, order_id: OrderId) {
        let Some(order) = self.orders.get_mut(&order_id) else { return };
        if !matches!(order.now, ReservationStatus::Held | ReservationStatus::Confirmed) {
            return;
        }
        order.now = ReservationStatus::Released;
        let lines = order.lines;
        lines.iter().for_each(|line| self.release(line));
        self.decided.outcomes.push((index, Outcome::Released));
    }

    fn shelf(&mut self, sku: &Sku) -> Option<&mut Shelf<'a>> {
        let place = *self.places.get(sku.as_str())?;
        self.shelves.get_mut(place)
    }

    /// What a line lacks; a SKU that is not kept has none available.
    fn lacks(&mut self, line: &StockLine) -> Option<Lacking> {
        let level = self.shelf(&line.sku).map(|shelf| shelf.now).unwrap_or_default();
        let lacking = || Lacking { sku: line.sku.clone(), requested: line.quantity, available: level.available };
        (!level.has(line.quantity)).then(lacking)
    }

    /// Reserves a line that was found not to lack.
    fn reserve(&mut self, line: &StockLine) {
        if let Some(shelf) = self.shelf(&line.sku) {
            shelf.now = shelf.now.reserve(line.quantity).unwrap_or(shelf.now);
        }
    }

    fn release(&mut self, line: &StockLine) {
        let shelf = self.shelf(&line.sku);
        match shelf.and_then(|shelf| Some((shelf.now.release(line.quantity)?, shelf))) {
            Some((level, shelf)) => shelf.now = level,
            None => self.decided.violations += 1,
        }
    }

    fn finish(self) -> Decided<'a> {
        let Self { shelves, mut orders, new, mut decided, .. } = self;
        let changed = shelves.into_iter().filter(|shelf| shelf.now != shelf.before);
        decided.stock = changed.map(|shelf| (shelf.sku.clone(), shelf.now)).collect();
        let reservation = |order_id: OrderId| {
            let Order { now: status, lines, lacking, .. } = orders.remove(&order_id)?;
            Some(NewReservation { order_id, status, lines, lacking })
        };
        decided.reservations = new.into_iter().filter_map(reservation).collect();
        for (order_id, order) in orders.into_iter().filter(|(_, order)| order.before != Some(order.now)) {
            match order.now {
                ReservationStatus::Confirmed => decided.confirmed.push(order_id),
                ReservationStatus::Released => decided.released.push(order_id),
                ReservationStatus::Held | ReservationStatus::Rejected => {}
            }
        }
        decided
    }
}

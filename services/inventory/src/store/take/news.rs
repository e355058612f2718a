//! News of orders, as batches bring them.

use std::collections::{BTreeSet, HashMap};

use contracts::{OrderId, StockLine};
use messaging::{Broken, consumer::Item};
use uuid::Uuid;

use crate::domain::OrderEvent;

/// News of orders.
#[derive(Debug, Default)]
pub struct OrderNews {
    /// What they tell, in the order in which it was told.
    pub told: Vec<Told>,
    /// What can't be understood, and why.
    pub broken: Vec<(Item, Broken)>,
}

/// An event with the message that brought it.
#[derive(Debug)]
pub struct Told {
    /// The event.
    pub event: OrderEvent,
    /// The message.
    pub item: Item,
}

/// What orders hold that are cancelled, as far as they have reservations. Read before anything is locked, because it says what
/// to lock; it never changes.
#[derive(Debug, Default)]
pub struct Cancelled(pub(super) HashMap<OrderId, Vec<StockLine>>);

impl OrderNews {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.told.is_empty() && self.broken.is_empty()
    }

    /// Every SKU whose stock they may change.
    pub fn skus<'a>(&'a self, cancelled: &'a Cancelled) -> BTreeSet<&'a str> {
        let placed = self.told.iter().flat_map(|told| told.event.lines());
        placed.chain(cancelled.0.values().flatten()).map(|line| line.sku.as_str()).collect()
    }

    /// Parts off the orders that want none of these SKUs, as far as no other news tell of them.
    #[must_use]
    pub fn part(&mut self, held: &BTreeSet<String>) -> Self {
        let mut news_of: HashMap<OrderId, usize> = HashMap::new();
        self.told.iter().for_each(|told| *news_of.entry(told.event.order_id()).or_default() += 1);
        let is_apart = |told: &Told| {
            let lines = told.event.lines();
            !lines.is_empty() && news_of[&told.event.order_id()] == 1 && !lines.iter().any(is_of(held))
        };
        self.part_off(is_apart)
    }

    /// Parts off what these SKUs alone don't suffice for: orders that want others too, and cancellations, of which it is not
    /// known what they give back.
    #[must_use]
    pub fn part_beyond(&mut self, held: &BTreeSet<String>) -> Self {
        self.part_off(|told| match &told.event {
            OrderEvent::Placed { lines, .. } => !lines.iter().all(is_of(held)),
            OrderEvent::Confirmed(_) => false,
            OrderEvent::Cancelled(_) => true,
        })
    }

    fn part_off(&mut self, is_off: impl Fn(&Told) -> bool) -> Self {
        Self { told: self.told.extract_if(.., |told| is_off(told)).collect(), broken: Vec::new() }
    }

    /// Puts later news behind these.
    pub fn append(&mut self, mut later: Self) {
        self.told.append(&mut later.told);
        self.broken.append(&mut later.broken);
    }

    /// The orders that are placed, and those that are cancelled.
    pub(super) fn orders(&self) -> (Vec<Uuid>, Vec<Uuid>) {
        let of = |wanted: fn(&OrderEvent) -> bool| -> BTreeSet<OrderId> {
            self.told.iter().map(|told| &told.event).filter(|event| wanted(event)).map(OrderEvent::order_id).collect()
        };
        let cancelled = of(|event| matches!(event, OrderEvent::Cancelled(_)));
        let placed = of(|event| matches!(event, OrderEvent::Placed { .. }));
        let placed = placed.iter().map(|order| order.as_uuid()).collect();
        (placed, cancelled.iter().map(|order| order.as_uuid()).collect())
    }
}

fn is_of(skus: &BTreeSet<String>) -> impl Fn(&StockLine) -> bool {
    |line| skus.contains(line.sku.as_str())
}

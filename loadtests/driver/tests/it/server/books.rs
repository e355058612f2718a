//! What the test shop remembers.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use contracts::{
    Currency, Money, OrderId, Sku, Timestamp,
    catalogue::Product,
    order::{Order, OrderStatus, PlaceOrder},
    stock::{Adjust, Adjustment, Stock},
};

/// Shared by the instances of one shop.
#[derive(Clone, Default)]
pub(crate) struct Books(Arc<Mutex<Page>>);

#[derive(Default)]
pub(crate) struct Page {
    /// In the order they were placed.
    pub(crate) orders: Vec<Order>,
    /// What each order asked for.
    pub(crate) bodies: Vec<PlaceOrder>,
    pub(crate) by_key: HashMap<String, usize>,
    pub(crate) products: BTreeMap<Sku, Product>,
    pub(crate) puts: u64,
    pub(crate) stock: BTreeMap<Sku, i64>,
    pub(crate) adjustments: HashMap<String, Adjustment>,
    /// Every stock that adjustments made, with its time.
    pub(crate) stocks: BTreeMap<Sku, Vec<(Instant, Stock)>>,
    /// How far those are behind who read by a copy; nobody does where nothing is said.
    pub(crate) behind: Option<Duration>,
    /// Whether every read is by a copy, whatever it asks for, and says that it is not.
    pub(crate) lies: bool,
    /// Reads of a session's stock, each of which loads it: there is no cache.
    pub(crate) loads: u64,
    /// What every later order becomes; confirmed where nothing else is said.
    pub(crate) decision: Option<OrderStatus>,
    /// How many later orders can be confirmed before all are rejected; no bound where nothing is said.
    pub(crate) left: Option<u64>,
}

impl Books {
    pub(crate) fn open(&self) -> MutexGuard<'_, Page> {
        self.0.lock().unwrap()
    }
}

impl Page {
    /// The order of this key: the first one placed under it.
    pub(crate) fn place(&mut self, key: &str, body: PlaceOrder) -> Order {
        if let Some(&known) = self.by_key.get(key) {
            return self.orders[known].clone();
        }
        let now = Timestamp::now();
        let status = self.decide();
        let order = Order {
            id: OrderId::generate(),
            status,
            customer_id: None,
            lines: Vec::new(),
            total: Money { minor: 0, currency: Currency::GBP },
            placed_at: now,
            decided_at: status.is_final().then_some(now),
            rejection: None,
        };
        self.by_key.insert(key.to_owned(), self.orders.len());
        self.orders.push(order.clone());
        self.bodies.push(body);
        order
    }

    fn decide(&mut self) -> OrderStatus {
        match &mut self.left {
            Some(0) => return OrderStatus::Rejected,
            Some(left) => *left -= 1,
            None => {}
        }
        self.decision.unwrap_or(OrderStatus::Confirmed)
    }

    /// What there was so long ago; the first where that is longer than there was any.
    pub(crate) fn stock_before(&self, sku: &Sku, behind: Duration) -> Option<Stock> {
        let stocks = self.stocks.get(sku)?;
        let then = stocks.partition_point(|(at, _)| at.elapsed() >= behind);
        stocks.get(then.saturating_sub(1)).map(|(_, stock)| stock.clone())
    }

    /// `None` where the key was used for another adjustment.
    pub(crate) fn adjust(&mut self, key: &str, sku: &Sku, body: Adjust) -> Option<Adjustment> {
        let delta = body.delta.as_i64().unwrap();
        if let Some(known) = self.adjustments.get(key) {
            return (known.delta == delta && known.sku == *sku).then(|| known.clone());
        }
        let available = self.stock.entry(sku.clone()).or_default();
        *available += delta;
        let stocks = self.stocks.entry(sku.clone()).or_default();
        let version = stocks.len() as i64 + 1;
        let stock = Stock { sku: sku.clone(), available: *available, reserved: 0, version };
        stocks.push((Instant::now(), stock.clone()));
        let adjusted_at = Timestamp::now();
        let made = Adjustment { sku: sku.clone(), delta, reason: body.reason, stock, adjusted_at };
        self.adjustments.insert(key.to_owned(), made.clone());
        Some(made)
    }
}

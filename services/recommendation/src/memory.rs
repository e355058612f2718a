//! The model as many requests and one learner share it.

use std::sync::{Arc, PoisonError, RwLock};

use contracts::{Sku, event::OrderConfirmed, recommendation::Recommendations};

use crate::{
    domain::{Learnt, Model},
    metric_definitions::METRICS,
};

/// The shared model. Cheap to clone.
///
/// Requests read at the same time, each for well under a millisecond as a rule. The learner takes the lock once for many
/// orders, so it waits for requests once for many orders too, and they for it as long as it takes to learn those: about
/// a microsecond each.
#[derive(Debug, Clone)]
pub struct Memory(Arc<RwLock<Model>>);

impl Memory {
    /// An empty model of the newest `window` orders.
    pub fn new(window: usize) -> Self {
        Self(Arc::new(RwLock::new(Model::new(window))))
    }

    /// Learns orders, in their order.
    pub fn learn<'a>(&self, orders: impl IntoIterator<Item = &'a OrderConfirmed>) {
        let (mut new, mut repeated) = (0, 0);
        let mut model = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for order in orders {
            match model.learn(order.order_id, order.lines.iter().map(|line| &line.sku)) {
                Learnt::New => new += 1,
                Learnt::Repeated => repeated += 1,
            }
        }
        let (orders, products, lines) = (model.orders(), model.products(), model.lines());
        drop(model);
        METRICS.learnt(new, repeated);
        METRICS.holds(orders, products, lines);
    }

    /// Up to `limit` products that were bought together with those asked for.
    pub fn recommend(&self, asked: &[Sku], limit: usize) -> Recommendations {
        let model = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Recommendations { items: model.recommend(asked, limit), orders_learnt: model.orders() as u64 }
    }
}

//! The model as many requests and one learner share it.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use contracts::{OrderId, Sku, recommendation::Recommendations};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    domain::{Learning, Learnt, Model},
    metric_definitions::METRICS,
};

/// The shared model. Cheap to clone.
///
/// Requests read at the same time, each for well under a millisecond as a rule. The learner takes the lock once for many
/// orders, so it waits for requests once for many orders too, and they for it as long as it takes to learn those: about
/// a microsecond each.
#[derive(Debug, Clone)]
pub struct Memory(Arc<RwLock<State>>);

#[derive(Debug)]
struct State {
    model: Model,
    /// Which build of the model others may take from here; `None` while it is not built here.
    build: Option<u64>,
}

/// Part of a model, for other instances to take.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Excerpt {
    /// Which build it is of. Positions count within one; it is another after every change of the builder.
    pub build: u64,
    /// Orders in the order in which they were learnt.
    pub orders: Vec<Learning>,
    /// The position behind them.
    pub position: u64,
    /// Whether there is no more at present.
    pub complete: bool,
}

impl Memory {
    /// An empty model of the newest `window` orders.
    pub fn new(window: usize) -> Self {
        Self(Arc::new(RwLock::new(State { model: Model::new(window), build: None })))
    }

    /// Learns orders, in their order.
    pub fn learn<'a, S: IntoIterator<Item = &'a Sku>>(&self, orders: impl IntoIterator<Item = (OrderId, S)>) {
        let (mut new, mut repeated) = (0, 0);
        let mut state = self.write();
        for (order, skus) in orders {
            match state.model.learn(order, skus) {
                Learnt::New => new += 1,
                Learnt::Repeated => repeated += 1,
            }
        }
        METRICS.learnt(new, repeated);
        told(state);
    }

    /// Puts another model into its place, which others may take from here as this build.
    pub fn replace(&self, model: Model, build: Option<u64>) {
        let mut state = self.write();
        *state = State { model, build };
        told(state);
    }

    /// Says which build others may take from here, if any.
    pub fn publish(&self, build: Option<u64>) {
        self.write().build = build;
    }

    /// Whether nothing is learnt yet.
    pub fn is_empty(&self) -> bool {
        self.read().model.orders() == 0
    }

    /// Up to `limit` products that were bought together with those asked for.
    pub fn recommend(&self, asked: &[Sku], limit: usize) -> Recommendations {
        let state = self.read();
        Recommendations { items: state.model.recommend(asked, limit), orders_learnt: state.model.orders() as u64 }
    }

    /// Up to `most` orders that whoever has this build up to this position has not; of another build, or of none, from the
    /// oldest on. `None` while the model is not built here.
    pub fn excerpt(&self, known: Option<(u64, u64)>, most: usize) -> Option<Excerpt> {
        let state = self.read();
        let build = state.build?;
        let position = known.filter(|(known, _)| *known == build).map_or(0, |(_, position)| position);
        let (orders, position) = state.model.from(position, most);
        Some(Excerpt { build, orders, position, complete: position == state.model.end() })
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets go of the model, then tells what it holds.
fn told(state: RwLockWriteGuard<'_, State>) {
    let (orders, products, lines) = (state.model.orders(), state.model.products(), state.model.lines());
    drop(state);
    METRICS.holds(orders, products, lines);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skus(names: &[&str]) -> Vec<Sku> {
        names.iter().map(|name| (*name).try_into().unwrap()).collect()
    }

    #[test]
    fn what_is_taken_in_excerpts_is_the_same_model() {
        let orders: Vec<(OrderId, Vec<Sku>)> = (0..25)
            .map(|n| (OrderId::generate(), skus(if n % 5 == 0 { &["A"] } else { &["A", "B", "C"][..2 + n % 2] })))
            .collect();
        let (built, mut taken) = (Memory::new(20), Model::new(20));
        assert!(built.excerpt(None, 8).is_none(), "it is not published");
        built.publish(Some(7));
        built.learn(orders.iter().map(|(order, skus)| (*order, skus)));
        let (mut known, mut excerpts) = (None, 0);
        loop {
            let excerpt = built.excerpt(known, 8).unwrap();
            for order in &excerpt.orders {
                taken.learn(order.order_id, &order.skus);
            }
            known = Some((excerpt.build, excerpt.position));
            excerpts += 1;
            if excerpt.complete {
                break;
            }
        }
        assert_eq!((excerpts, known), (3, Some((7, 25))));
        let asked = skus(&["A"]);
        assert_eq!(taken.recommend(&asked, 9), built.recommend(&asked, 9).items);
        assert_eq!(taken.orders(), 20);
        assert!(built.excerpt(known, 8).unwrap().orders.is_empty());
        assert_eq!(
            built.excerpt(Some((6, 25)), 100).unwrap().orders.len(),
            20,
            "another build's positions say nothing"
        );
    }
}

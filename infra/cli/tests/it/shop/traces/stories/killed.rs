//! Orders whose inventory is killed as they come, with another instance there.

use local::shop::{Part, Service};

use crate::shop::{
    traces::{documented::Documented, model::Trace, of_orders, orders_so_far},
    trial::Trial,
};

const FIRST: Part = Part::Service(Service::Inventory, Some(1));

pub(super) async fn is_told(trial: &Trial) {
    let before = orders_so_far(trial).await.into_iter().map(|trace| trace.id).collect();
    let mut replay = trial.replay(40);
    replay.has_come_to(60).await;
    trial.shop.kill(FIRST).await.unwrap();
    let decided = |trace: &Trace| trace.has("order: process stock.v1");
    let placed = of_orders(trial, &before, 300, decided).await;
    let documented = Documented::read();
    placed.iter().for_each(|trace| documented.holds(trace));
    trial.shop.restart(FIRST).await.unwrap();
    trial.settles(replay).await;
}

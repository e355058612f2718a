//! An order's message that comes again, because its consumer died when it had taken it and could not say so any more.

use local::shop::{InstanceEnv, Part, Service};

use super::with;
use crate::shop::{
    traces::{customer::Customer, model::Trace},
    trial::Trial,
};

async fn is_told(count: u16) {
    let mut config = with(count);
    config.instance_env.extend((1..=count).map(|instance| InstanceEnv {
        service: Service::Inventory,
        instance,
        name: "PLUMBLINE_CRASH_AT".to_owned(),
        value: "consumer.handled:1".to_owned(),
        first_life_only: true,
    }));
    let trial = Trial::open(config, 300).await;
    let customer = Customer::of(&trial);
    let placed = customer.orders(1, &[]).await;
    let decided = |trace: &Trace| {
        trace.outcomes("inventory", "process orders.v1").contains(&"skipped")
            && trace.outcomes("order", "process stock.v1") == ["CONFIRMED"]
    };
    let trace = customer.is_told_in_part(&placed.trace, decided).await;
    // What took it first has died with its span; what that had written to the outbox was sent below it, by another.
    let crashed = (1..=count).map(|n| trial.shop.crashes(Part::Service(Service::Inventory, Some(n))).unwrap());
    assert!(crashed.sum::<u32>() >= 1);
    assert!(!trace.outcomes("inventory", "process orders.v1").contains(&"reserved"), "{:?}", trace.shape());
    let orphans = trace.orphans();
    assert!(orphans.iter().all(|span| span.operation_name == "send stock.v1"), "{orphans:?}");
    assert_eq!(orphans.len(), 1);
    trial.closes().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn to_the_only_instance() {
    is_told(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn to_one_of_two_instances() {
    is_told(2).await;
}

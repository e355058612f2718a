//! An order's message that comes again, because its consumer died when it had taken it and could not say so any more.

use local::shop::{InstanceEnv, Part, Service, Shop};

use crate::shop::traces::{customer::Customer, model::Trace};

/// Each instance of inventory dies when it has taken its first message.
pub(super) fn dying(count: u16) -> Vec<InstanceEnv> {
    let dies = |instance| InstanceEnv {
        service: Service::Inventory,
        instance,
        name: "PLUMBLINE_CRASH_AT".to_owned(),
        value: "consumer.handled:1".to_owned(),
        first_life_only: true,
    };
    (1..=count).map(dies).collect()
}

/// Is the first that happens in a shop with so many instances that die.
pub(super) async fn is_told(customer: &Customer<'_>, shop: &Shop, count: u16) {
    let placed = customer.orders(1, &[]).await;
    let decided = |trace: &Trace| {
        let confirmed =
            trace.outcomes("order", "process stock.v1").iter().filter(|outcome| **outcome == "CONFIRMED").count();
        trace.outcomes("inventory", "process orders.v1").contains(&"skipped") && confirmed == 1
    };
    let trace = customer.is_told_in_part(&placed.trace, decided).await;
    // What took it first has died with its span. What that had written to the outbox was sent below it, by another, or by
    // itself and then again by another, and then its own span of sending has died with it, too.
    let instances = (1..=count).map(|n| Part::Service(Service::Inventory, Some(n)));
    let crashes = |part| shop.crashes(part).unwrap();
    assert!(instances.clone().map(crashes).sum::<u32>() >= 1);
    assert!(!trace.outcomes("inventory", "process orders.v1").contains(&"reserved"), "{:?}", trace.shape());
    let orphans = trace.orphans();
    let is_below_the_dead = |name: &str| matches!(name, "send stock.v1" | "process stock.v1");
    assert!(orphans.iter().all(|span| is_below_the_dead(&span.operation_name)), "{orphans:?}");
    assert_eq!(orphans.iter().filter(|span| span.operation_name == "send stock.v1").count(), 1, "{orphans:?}");
    // Whoever has taken no message yet would die in another story.
    for unhurt in instances.filter(|part| crashes(*part) == 0) {
        shop.restart(unhurt).await.unwrap();
    }
}

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
        trace.outcomes("inventory", "process orders.v1").contains(&"skipped")
            && trace.outcomes("order", "process stock.v1") == ["CONFIRMED"]
    };
    let trace = customer.is_told_in_part(&placed.trace, decided).await;
    // What took it first has died with its span; what that had written to the outbox was sent below it, by another.
    let instances = (1..=count).map(|n| Part::Service(Service::Inventory, Some(n)));
    let crashes = |part| shop.crashes(part).unwrap();
    assert!(instances.clone().map(crashes).sum::<u32>() >= 1);
    assert!(!trace.outcomes("inventory", "process orders.v1").contains(&"reserved"), "{:?}", trace.shape());
    let orphans = trace.orphans();
    assert!(orphans.iter().all(|span| span.operation_name == "send stock.v1"), "{orphans:?}");
    assert_eq!(orphans.len(), 1);
    // Whoever has taken no message yet would die in another story.
    for unhurt in instances.filter(|part| crashes(*part) == 0) {
        shop.restart(unhurt).await.unwrap();
    }
}

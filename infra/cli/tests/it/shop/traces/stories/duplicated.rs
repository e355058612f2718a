//! An order's message that comes again, because its consumer died when it had taken it and could not say so any more.

use std::collections::HashMap;

use local::shop::{InstanceEnv, Part, Service, Shop};
use tokio::time::timeout;

use super::is_final;
use crate::shop::traces::{
    PATIENCE,
    customer::Customer,
    model::{Span, Trace},
};

/// How many messages on end have to come once.
const ONCE: usize = 5;

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
    let first_lives = pids(shop).await;
    let placed = customer.orders(1, &[]).await;
    let decided = |trace: &Trace| {
        let confirmed =
            trace.outcomes("order", "process stock.v1").iter().filter(|outcome| **outcome == "CONFIRMED").count();
        trace.outcomes("inventory", "process orders.v1").contains(&"skipped") && confirmed == 1
    };
    let instances = (1..=count).map(|n| Part::Service(Service::Inventory, Some(n)));
    let crashes = |part| shop.crashes(part).unwrap();
    // The other may die of what follows, and that is known a moment after its first spans are.
    let dead =
        || instances.clone().filter(|part| crashes(*part) > 0).map(|part| first_lives[&part]).collect::<Vec<_>>();
    let told = |trace: &Trace| decided(trace) && ends_loose_at_the_dead(trace, &dead());
    let trace = customer.is_told_in_part(&placed.trace, told).await;
    assert!(!dead().is_empty());
    assert!(!trace.outcomes("inventory", "process orders.v1").contains(&"reserved"), "{:?}", trace.shape());
    // Whoever has taken no message yet would die in another story.
    for unhurt in instances.filter(|part| crashes(*part) == 0) {
        shop.restart(unhurt).await.unwrap();
    }
    timeout(PATIENCE, is_over(customer)).await.expect("messages come again and again");
}

/// Those that are back take some of the partitions over, and until they have, messages may come again in other stories, too.
async fn is_over(customer: &Customer<'_>) {
    let mut on_end = 0;
    while on_end < ONCE {
        let placed = customer.orders(1, &[]).await;
        let trace = customer.is_told(&placed.trace, is_final).await;
        let comes_again = trace.outcomes("inventory", "process orders.v1").contains(&"skipped");
        on_end = if comes_again { 0 } else { on_end + 1 };
    }
}

/// The process of each part.
async fn pids(shop: &Shop) -> HashMap<Part, u64> {
    let status = shop.status().await.into_iter();
    status.filter_map(|part| Some((part.part, u64::from(part.pid?)))).collect()
}

/// Whether what took it first has died with its span, and only what it had told before, and what was sent below it, lacks a
/// parent.
fn ends_loose_at_the_dead(trace: &Trace, dead: &[u64]) -> bool {
    let orphans = trace.orphans();
    let (by_the_dead, below): (Vec<&Span>, Vec<&Span>) =
        orphans.iter().copied().partition(|span| trace.pid(span).is_some_and(|pid| dead.contains(&pid)));
    let named = |spans: &[&Span], name: &str| spans.iter().filter(|span| span.operation_name == name).count();
    let (sent, taken) = (named(&below, "send stock.v1"), named(&below, "process stock.v1"));
    // Another has sent what it had written to the outbox, even if it had done so itself, unless it had come to delete it,
    // too. Its own span of sending has died with it, unless it was told before.
    let sent_by_the_dead = taken > 0 || named(&by_the_dead, "send stock.v1") > 0;
    sent + taken == below.len() && (sent == 1 || sent == 0 && sent_by_the_dead)
}

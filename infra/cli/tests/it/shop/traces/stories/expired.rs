//! An order whose confirmation does not come in time.

use coordination::{Cluster, settings::Control};
use local::shop::{Part, Service, Shop};

use super::INVENTORY;
use crate::shop::traces::{customer::Customer, model::Trace};

const ORDER: Part = Part::Service(Service::Order, None);
/// A reservation expires after a second, and that is seen soon.
const SETTINGS: [(&str, &str); 2] =
    [("inventory.reservation.ttl_seconds", "1"), ("inventory.sweep.interval_ms", "100")];

/// Sets both as they are here, or gives them back their defaults.
async fn set(shop: &Shop, is_short: bool) {
    let endpoints = shop.coordinators().into_iter().map(|address| format!("http://{address}"));
    let control = Control::new(&Cluster::new(coordination::Config::new(endpoints, "plumbline")).unwrap());
    for (name, value) in SETTINGS {
        control.set(&name.parse().unwrap(), is_short.then_some(value), "a test").await.unwrap();
    }
}

pub(super) async fn is_told(customer: &Customer<'_>, shop: &Shop) {
    shop.pause(INVENTORY).await.unwrap();
    let placed = customer.orders(1, &[]).await;
    customer.sees(&placed.trace, |trace| trace.has("order: send orders.v1")).await;
    shop.pause(ORDER).await.unwrap();
    shop.resume(INVENTORY).await.unwrap();
    set(shop, true).await;
    customer.sees(&placed.trace, |trace| trace.has("inventory: expire reservation")).await;
    set(shop, false).await;
    shop.resume(ORDER).await.unwrap();

    let ended = |trace: &Trace| {
        trace.of("inventory", "send stock.v1").len() == 2 && trace.outcomes("order", "process stock.v1").len() == 2
    };
    let trace = customer.is_told(&placed.trace, ended).await;
    // An instance that finds another one sweeping has begun a step that comes to nothing.
    let mut steps = trace.of("inventory", "expire reservation").into_iter();
    let expired = steps.find(|span| span.text("plumbline.outcome") == Some("released")).unwrap();
    assert_eq!(trace.outcomes("inventory", "expire reservation"), ["released"]);
    let sweep = expired.links(&trace.id).next().unwrap();
    let swept = customer.is_told(&sweep.trace, |trace| trace.has("inventory: expire reservations")).await;
    assert!(swept.of("inventory", "COMMIT").len() == 1, "{:?}", swept.shape());
    let of_step = swept.of("inventory", "expire reservations")[0];
    assert!(of_step.links(&swept.id).any(|link| link.trace == trace.id && link.span == expired.id));
}

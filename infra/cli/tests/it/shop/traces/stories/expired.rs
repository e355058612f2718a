//! An order whose confirmation does not come in time.

use local::shop::{Part, Service};

use super::{INVENTORY, with};
use crate::shop::{
    traces::{customer::Customer, model::Trace},
    trial::Trial,
};

const ORDER: Part = Part::Service(Service::Order, None);

#[tokio::test(flavor = "multi_thread")]
async fn its_trace_goes_on_with_the_sweep() {
    let mut config = with(1);
    let settings = [("PLUMBLINE_RESERVATION_TTL_SECONDS", "1"), ("PLUMBLINE_SWEEP_INTERVAL_MILLIS", "100")];
    config.env.extend(settings.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let trial = Trial::open(config, 300).await;
    let (customer, shop) = (Customer::of(&trial), &trial.shop);
    shop.pause(INVENTORY).await.unwrap();
    let placed = customer.orders(1, &[]).await;
    customer.sees(&placed.trace, |trace| trace.has("order: send orders.v1")).await;
    shop.pause(ORDER).await.unwrap();
    shop.resume(INVENTORY).await.unwrap();
    customer.sees(&placed.trace, |trace| trace.has("inventory: expire reservation")).await;
    shop.resume(ORDER).await.unwrap();

    let ended = |trace: &Trace| {
        trace.of("inventory", "send stock.v1").len() == 2 && trace.outcomes("order", "process stock.v1").len() == 2
    };
    let trace = customer.is_told(&placed.trace, ended).await;
    assert_eq!(trace.outcomes("inventory", "expire reservation"), ["released"]);
    let expired = trace.of("inventory", "expire reservation")[0];
    let sweep = expired.links(&trace.id).next().unwrap();
    let swept = customer.is_told(&sweep.trace, |trace| trace.has("inventory: expire reservations")).await;
    assert!(swept.of("inventory", "COMMIT").len() == 1, "{:?}", swept.shape());
    let of_step = swept.of("inventory", "expire reservations")[0];
    assert!(of_step.links(&swept.id).any(|link| link.trace == trace.id && link.span == expired.id));
    trial.closes().await;
}

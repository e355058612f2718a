//! What can happen to an order, each as its trace tells it.

mod cancelled;
mod carried;
mod dead_lettered;
mod duplicated;
mod expired;
mod others;
mod rejected;
mod repeated;
mod retried;

use audit::Check;
use local::shop::{Config, Part, Service};

use super::{customer::Customer, model::Trace};
use crate::shop::trial::Trial;

const INVENTORY: Part = Part::Service(Service::Inventory, None);

/// A shop with so many instances of each service.
fn with(count: u16) -> Config {
    let instances = Service::ALL.into_iter().map(|service| (service, count)).collect();
    Config { traces: true, instances, ..Config::test() }
}

/// All that follows from an order has happened: of a confirmed one inventory knows and recommendations are made, of a
/// rejected one the order knows.
pub(super) fn is_final(trace: &Trace) -> bool {
    match trace.outcomes("order", "process stock.v1")[..] {
        ["CONFIRMED"] => {
            trace.has("recommendation: process orders.v1")
                && trace.outcomes("inventory", "process orders.v1").contains(&"confirmed")
        }
        ["REJECTED"] => true,
        _ => false,
    }
}

async fn all(count: u16) {
    let trial = Trial::open(with(count), 300).await;
    let customer = Customer::of(&trial);
    rejected::is_told(&customer).await;
    repeated::is_told(&customer).await;
    carried::is_told(&customer).await;
    cancelled::after_the_decision(&customer).await;
    cancelled::before_the_decision(&customer, &trial.shop).await;
    retried::while_it_is_stored(&customer, &trial.shop).await;
    retried::while_it_is_decided(&customer, &trial.shop).await;
    others::are_documented(&trial, count).await;
    dead_lettered::is_told(&customer, &trial.shop).await;
    trial.closes_with(Check::DeadLettersEmpty).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_one_instance_of_each_service() {
    all(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_two_instances_of_each_service() {
    all(2).await;
}

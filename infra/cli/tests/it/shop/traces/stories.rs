//! What can happen to an order, each as its trace tells it.

mod cancelled;
mod carried;
mod dead_lettered;
mod duplicated;
mod expired;
mod killed;
mod others;
mod rejected;
mod repeated;
mod retried;

use audit::Check;
use local::shop::{Config, Part, Service};

use super::{PATIENCE, customer::Customer, model::Trace};
use crate::shop::{telling::Telling, trial::Trial};

const INVENTORY: Part = Part::Service(Service::Inventory, None);

/// A shop with so many instances of each service, in which inventory dies when it has taken its first message, and orders
/// are patient: how long a database takes to come back is the machine's affair.
fn with(count: u16) -> Config {
    let instances = Service::ALL.into_iter().map(|service| (service, count)).collect();
    let env = [("PLUMBLINE_COMMIT_PATIENCE_SECONDS".to_owned(), PATIENCE.as_secs().to_string())].into();
    Config { traces: true, instances, env, instance_env: duplicated::dying(count), ..Config::test() }
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

/// All of them in one shop: none needs what another has changed, save that a message comes first only once, and that a dead
/// letter stays.
async fn all(count: u16) {
    let trial = Trial::open(with(count), 300).await;
    let (customer, shop) = (Customer::of(&trial), &trial.shop);
    let mut telling = Telling::of(&trial);
    telling.tell("an order's message comes again", duplicated::is_told(&customer, shop, count)).await;
    telling.tell("an order of more than there is", rejected::is_told(&customer)).await;
    telling.tell("a request comes again", repeated::is_told(&customer)).await;
    telling.tell("a caller's baggage", carried::is_told(&customer)).await;
    telling.tell("cancelled after the decision", cancelled::after_the_decision(&customer)).await;
    telling.tell("cancelled before the decision", cancelled::before_the_decision(&customer, shop)).await;
    telling.tell("the database dies as an order is stored", retried::while_it_is_stored(&customer, shop)).await;
    telling.tell("the database dies as an order is decided", retried::while_it_is_decided(&customer, shop)).await;
    telling.tell("a reservation expires", expired::is_told(&customer, shop)).await;
    telling.tell("what isn't an order's", others::are_documented(&trial, count)).await;
    if count > 1 {
        telling.tell("inventory is killed", killed::is_told(&trial)).await;
    }
    telling.tell("the audit before the dead letters", trial.is_right()).await;
    telling.tell("a message that nobody understands", dead_lettered::is_told(&customer, shop)).await;
    telling.ends();
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

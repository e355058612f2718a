//! A shop in which nothing dies: what it tells of itself while orders come.

use local::shop::Config;

use super::{are_whole_and_as_documented, gaps};
use crate::shop::{dashboards, telling::Telling, trial::Trial};

const ORDERS: usize = 500;

#[tokio::test(flavor = "multi_thread")]
async fn its_traces_and_metrics_are_as_promised() {
    let trial = Trial::open(Config { traces: true, ..Config::test() }, ORDERS).await;
    let mut telling = Telling::of(&trial);
    let whole = are_whole_and_as_documented(&trial, ORDERS);
    telling.tell("every trace is whole and as documented", whole).await;
    telling.tell("what dashboards and rules ask for is served", dashboards::are_served(&trial)).await;
    telling.tell("no instant of an order stays without a reason", gaps::are_none(&trial)).await;
    telling.ends();
    trial.closes().await;
}

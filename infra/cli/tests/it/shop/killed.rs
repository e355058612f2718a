//! `kill -9`, of each part in turn, in the middle of a replay.

use local::{
    servers::Server,
    shop::{Config, Part, Service},
};

use super::trial::Trial;

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_killed_every_acknowledged_order_becomes_final_and_right() {
    let parts = [
        Part::Service(Service::Order, None),
        Part::Service(Service::Inventory, None),
        Part::Service(Service::Recommendation, None),
        Part::Server(Server::Kafka),
        Part::Server(Server::Postgres),
    ];
    let trial = Trial::open(Config::test(), 600).await;
    let mut replay = trial.replay(60);
    for (n, part) in parts.into_iter().enumerate() {
        replay.has_come_to(60 + 90 * n as u64).await;
        trial.shop.kill(part).await.unwrap();
        trial.shop.restart(part).await.unwrap();
    }
    trial.ends_well(replay).await;
}

//! Services that die where it hurts, in the middle of a replay, and are brought back by the shop itself.

use local::shop::{Config, InstanceEnv, Part, Service};

use super::trial::Trial;

/// Both the order and the inventory service die when they come by this point for the third time.
async fn dies_at(point: &str) {
    let mut config = Config::test();
    let dying = [Service::Order, Service::Inventory];
    config.instance_env.extend(dying.map(|service| InstanceEnv {
        service,
        instance: 1,
        name: "PLUMBLINE_CRASH_AT".to_owned(),
        value: format!("{point}:3"),
        first_life_only: true,
    }));
    let trial = Trial::open(config, 150).await;
    let replay = trial.replay(50);
    let shop = trial.shop.clone();
    trial
        .ends_well_after(replay, || {
            for service in dying {
                let crashes = shop.crashes(Part::Service(service, None)).unwrap();
                assert_eq!(crashes, 1, "{service} at {point}");
            }
            drop(shop);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_commit_and_before_the_relay_sends() {
    dies_at("relay.before-send").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_brokers_acknowledgement_and_before_the_relay_deletes() {
    dies_at("relay.acknowledged").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn before_the_commit_of_a_batch() {
    dies_at("consumer.before-commit").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_commit_of_a_batch_and_before_that_of_its_offsets() {
    dies_at("consumer.handled").await;
}

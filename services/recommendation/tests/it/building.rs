//! One instance builds the model and the others take it from that one.

use contracts::OrderId;
use coordination::{Cluster, Config, Name, settings::Control};
use local::testing;
use recommendation::{SERVICE, app::App};
use reqwest::StatusCode;

use crate::{
    producer::confirmation,
    world::{World, until},
};

/// Which of these build the model.
async fn building(world: &World, apps: &[&App]) -> Vec<bool> {
    let mut building = Vec::new();
    for app in apps {
        building.push(world.get(app, "/model").await.0 == StatusCode::OK);
    }
    building
}

fn builder(one: App, other: App, building: &[bool]) -> (App, App) {
    if building[0] { (one, other) } else { (other, one) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_instance_builds_the_model_for_all() {
    let world = World::open().await;
    let coordinators = testing::private_coordinators(1).await;
    let cluster = Cluster::new(Config::new(coordinators.endpoints(), testing::prefix())).unwrap();
    let start = async |instance: &str| {
        let variables = [
            ("PLUMBLINE_COORDINATORS", &*cluster.config().endpoints.join(",")),
            ("PLUMBLINE_COORDINATION_PREFIX", &cluster.config().prefix),
            ("PLUMBLINE_INSTANCE", instance),
        ];
        world.start(&variables).await
    };
    let mut producer = world.producer().await;
    let orders: Vec<_> = (0..200).map(|_| confirmation(OrderId::generate(), &["A", "B"])).collect();
    producer.send(&orders).await;
    let (one, other) = (start("one").await, start("other").await);
    for app in [&one, &other] {
        world.until_ready(app).await;
        world.until_learnt(app, 200).await;
    }
    let builds = building(&world, &[&one, &other]).await;
    assert_eq!(builds.iter().filter(|builds| **builds).count(), 1, "{builds:?}");
    let (builder, follower) = builder(one, other, &builds);
    producer.confirm(OrderId::generate(), &["A", "C"]).await;
    world.until_learnt(&follower, 201).await;
    let answers = async |app: &App| world.recommendations(app, "sku=A&sku=C").await;
    assert_eq!(answers(&follower).await, answers(&builder).await);

    // A smaller window is built anew, and followed.
    let window: Name = SERVICE.join("window");
    Control::new(&cluster).set(&window, Some("100"), "a test").await.unwrap();
    for app in [&builder, &follower] {
        let smaller = async || (world.recommendations(app, "sku=A").await.1 == 100).then_some(());
        until("the smaller window", smaller).await;
    }
    assert_eq!(answers(&follower).await, answers(&builder).await);

    builder.stop().await;
    until("the other to build", async || building(&world, &[&follower]).await[0].then_some(())).await;
    let learns = async |producer: &mut crate::producer::Producer, sku: &str| {
        producer.confirm(OrderId::generate(), &["NEW", sku]).await;
        until("it to learn", async || {
            let (found, _) = world.recommendations(&follower, "sku=NEW").await;
            found.iter().any(|(found, _)| found == sku).then_some(())
        })
        .await;
    };
    learns(&mut producer, "D").await;
    coordinators.kill(0).await;
    learns(&mut producer, "E").await;
    follower.stop().await;
    coordinators.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_builds_for_itself_when_builder_and_coordinators_are_gone() {
    let world = World::open().await;
    let coordinators = testing::private_coordinators(1).await;
    let start = async |instance: &str| {
        let endpoints = coordinators.endpoints().join(",");
        world.start(&[("PLUMBLINE_COORDINATORS", &endpoints), ("PLUMBLINE_INSTANCE", instance)]).await
    };
    let mut producer = world.producer().await;
    producer.confirm(OrderId::generate(), &["A", "B"]).await;
    let (one, other) = (start("one").await, start("other").await);
    for app in [&one, &other] {
        world.until_learnt(app, 1).await;
    }
    let builds = building(&world, &[&one, &other]).await;
    let (builder, follower) = builder(one, other, &builds);
    coordinators.kill(0).await;
    producer.confirm(OrderId::generate(), &["A", "B"]).await;
    world.until_learnt(&follower, 2).await;
    builder.stop().await;
    producer.confirm(OrderId::generate(), &["A", "B"]).await;
    world.until_learnt(&follower, 3).await;
    assert_eq!(building(&world, &[&follower]).await, [true]);
    follower.stop().await;
    coordinators.stop().await;
}

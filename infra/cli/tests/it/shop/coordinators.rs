//! Coordinators die and stand still while orders go on: no order needs them, and no service ends without them.

use std::time::Duration;

use coordination::{
    Cluster,
    members::{self, Role},
};
use local::shop::{Config, Part, Shop, State};

use super::trial::Trial;

/// The coordinator that leads.
async fn leader(shop: &Shop) -> Part {
    let endpoints = shop.coordinators().into_iter().map(|address| format!("http://{address}"));
    let cluster = Cluster::new(coordination::Config::new(endpoints, "plumbline")).unwrap();
    let look = async {
        loop {
            let all = members::members(&cluster).await;
            // By name, and so by number.
            if let Some(place) = all.iter().position(|member| member.role() == Role::Leader) {
                return Part::Coordinator(Some(u16::try_from(place).unwrap() + 1));
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), look).await.unwrap()
}

async fn all_are_ready(shop: &Shop) {
    let status = shop.status().await;
    let down: Vec<_> = status.iter().filter(|part| part.state != State::Ready).collect();
    assert!(down.is_empty(), "{down:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_go_on_without_their_leader_and_without_any() {
    let trial = Trial::open(Config::test(), 500).await;
    let mut replay = trial.replay(60);
    let shop = &trial.shop;

    replay.has_come_to(60).await;
    let first = leader(shop).await;
    shop.kill(first).await.unwrap();
    replay.has_come_to(150).await;
    shop.restart(first).await.unwrap();

    replay.has_come_to(200).await;
    let second = leader(shop).await;
    shop.pause(second).await.unwrap();
    replay.has_come_to(260).await;
    shop.resume(second).await.unwrap();

    replay.has_come_to(300).await;
    shop.kill(Part::Coordinator(None)).await.unwrap();
    replay.has_come_to(400).await;
    shop.restart(Part::Coordinator(None)).await.unwrap();
    all_are_ready(shop).await;
    trial.ends_well(replay).await;
}

//! One cluster of many coordinators.

use std::time::{Duration, Instant};

use coordination::{CallError, Cluster, Config, Name, epoch};
use local::testing;

use crate::stage::{asked, client, kill_asked, reach, soon};

static NAME: Name = Name::literal("any");

#[tokio::test(flavor = "multi_thread")]
async fn without_coordinators_it_waits_and_then_says_so() {
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let patience = Duration::from_millis(300);
    let config = Config { patience, ..Config::new([format!("http://{closed}")], "test") };
    let cluster = Cluster::new(config).unwrap();
    let begun = Instant::now();
    let error = epoch::next(&cluster, &NAME).await.unwrap_err();
    assert!(matches!(error, CallError::Unavailable { .. }), "{error}");
    assert!(begun.elapsed() >= patience);
    assert!(!*cluster.connected().borrow());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_endpoint_costs_one_attempt() {
    let endpoints = testing::coordinators().await.endpoints();
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let endpoints = endpoints.iter().cloned().chain([format!("http://{closed}")]);
    let cluster = Cluster::new(Config::new(endpoints, testing::prefix())).unwrap();
    for _ in 0..20 {
        epoch::next(&cluster, &NAME).await.unwrap();
        assert_ne!(cluster.endpoint(), format!("http://{closed}"), "it stays with the one that answers");
    }
    assert!(*cluster.connected().borrow());
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_go_on_when_members_die_or_stand_still() {
    let coordinators = testing::private_coordinators(3).await;
    let cluster = client(&coordinators);
    let first = epoch::next(&cluster, &NAME).await.unwrap();
    let killed = kill_asked(&coordinators, &cluster).await;
    let second = epoch::next(&cluster, &NAME).await.unwrap();
    assert!(second > first);
    coordinators.restart(killed).await.unwrap();
    let paused = asked(&coordinators, &cluster);
    coordinators.pause(paused);
    let third = epoch::next(&cluster, &NAME).await.unwrap();
    assert!(third > second);
    coordinators.resume(paused);
    coordinators.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_comes_back_with_the_coordinators() {
    let coordinators = testing::private_coordinators(1).await;
    let cluster = reach(coordinators.endpoints());
    let first = epoch::next(&cluster, &NAME).await.unwrap();
    coordinators.kill(0).await;
    let (second, restarted) = tokio::join!(epoch::next(&cluster, &NAME), coordinators.restart(0));
    restarted.unwrap();
    assert!(second.unwrap() > first);
    soon("connected", cluster.connected().wait_for(|connected| *connected)).await.unwrap();
    coordinators.stop().await;
}

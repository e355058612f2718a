//! Duties have one owner, and several of a kind are spread.

use std::{collections::BTreeSet, time::Duration};

use coordination::{
    Cluster, Name,
    discovery::{self, Instance, Registration},
    election::{Candidate, Duty, Role, Shares, leader},
};
use local::testing;

use crate::stage::{TTL, client, cluster, eventually, soon};

const SERVICE: Name = Name::literal("order");
const SWEEP: Name = Name::literal("sweep");
const RELAY: Name = Name::literal("relay");

fn candidate(cluster: &Cluster, instance: &str) -> Candidate {
    Candidate { cluster: cluster.clone(), service: SERVICE, instance: instance.parse().unwrap() }
}

/// An instance that is found, and stands for its share of eight.
async fn stand(cluster: &Cluster, instance: &str) -> (Registration, Shares) {
    let found = Instance { id: instance.parse().unwrap(), address: String::new(), load: 0 };
    let registration = discovery::register(cluster, &SERVICE, found, TTL);
    let _ = soon("registered", registration.registered().wait_for(|registered| *registered)).await;
    (registration, Shares::stand(candidate(cluster, instance), &RELAY, 8, TTL))
}

fn owned(shares: &Shares) -> BTreeSet<u16> {
    shares.owned().borrow().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn shares_are_spread_evenly_and_each_has_one_owner() {
    let cluster = cluster().await;
    let (at_first, first) = stand(&cluster, "first").await;
    eventually("the first has all", async || owned(&first).len() == 8).await;
    let (_second, second) = stand(&cluster, "second").await;
    eventually("two have four each", async || owned(&first).len() == 4 && owned(&second).len() == 4).await;
    assert!(owned(&first).is_disjoint(&owned(&second)));
    let election: Name = format!("order.relay.{}", owned(&second).first().unwrap()).parse().unwrap();
    assert_eq!(leader(&cluster, &election).await.unwrap().unwrap().candidate, "second");
    let (_third, third) = stand(&cluster, "third").await;
    let sizes = || [&first, &second, &third].map(|shares| owned(shares).len());
    eventually("three have all, none more than three", async || {
        sizes().iter().sum::<usize>() == 8 && sizes().iter().all(|size| *size <= 3)
    })
    .await;

    at_first.leave().await;
    soon("it gives all up", first.leave()).await;
    eventually("the others have all", async || owned(&second).len() == 4 && owned(&third).len() == 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_duty_has_one_owner_and_is_handed_on() {
    let cluster = cluster().await;
    let [first, second] = ["first", "second"].map(|name| Duty::stand(Some(&candidate(&cluster, name)), &SWEEP, TTL));
    eventually("one of them owns it", async || [first.role(), second.role()].contains(&Role::Owner)).await;
    let (owner, other) = if first.role() == Role::Owner { (first, second) } else { (second, first) };
    assert_eq!(other.role(), Role::Standby);
    let waiting = other.clone();
    let told = tokio::spawn(async move { waiting.wait_for(|role| role == Role::Owner).await });
    owner.resign().await;
    assert_eq!(soon("the other is told", told).await.unwrap(), Role::Owner);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_coordinators_everybody_is_as_good() {
    assert_eq!(Duty::stand(None, &SWEEP, TTL).role(), Role::Unled);
    let coordinators = testing::private_coordinators(1).await;
    let duty = Duty::stand(Some(&candidate(&client(&coordinators), "first")), &SWEEP, TTL);
    eventually("it is owned", async || duty.role() == Role::Owner).await;
    coordinators.kill(0).await;
    soon("it is unled", duty.wait_for(|role| role == Role::Unled)).await;
    coordinators.restart(0).await.unwrap();
    eventually("it is owned again", async || duty.role() == Role::Owner).await;
    coordinators.kill(0).await;
    let begun = tokio::time::Instant::now();
    duty.resign().await;
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    coordinators.stop().await;
}

//! Instances come, go and are chosen.

use std::{collections::HashMap, sync::Arc};

use coordination::{
    Cluster, Config, Name,
    discovery::{self, Balancer, Instance, Instances, Registration},
};
use local::testing;

use crate::{
    proxy::Proxy,
    stage::{TTL, client, cluster, eventually, kill_asked},
};

const SERVICE: Name = Name::literal("inventory");

fn register(cluster: &Cluster, id: &str, load: u32) -> Registration {
    let instance = Instance { id: id.parse().unwrap(), address: format!("{id}:80"), load };
    discovery::register(cluster, &SERVICE, instance, TTL * 5)
}

fn ids(instances: &Instances) -> Vec<String> {
    instances.list().iter().map(|instance| instance.id.to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_are_listed_with_their_loads_while_they_are_there() {
    let cluster = cluster().await;
    let (a, b) = (register(&cluster, "a", 1), register(&cluster, "b", 2));
    let instances = discovery::watch(&cluster, &SERVICE);
    eventually("both are there", async || ids(&instances) == ["a", "b"]).await;
    assert_eq!(*instances.list()[1], Instance { id: Name::literal("b"), address: "b:80".to_owned(), load: 2 });

    (0..=500).for_each(|load| a.set_load(load));
    eventually("the newest load is told", async || instances.list()[0].load == 500).await;
    b.leave().await;
    eventually("one has left", async || ids(&instances) == ["a"]).await;
    drop(a);
    eventually("the other was dropped", async || ids(&instances).is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_starts_before_any_coordinator() {
    let coordinators = testing::private_coordinators(1).await;
    let cluster = client(&coordinators);
    coordinators.kill(0).await;
    let registration = register(&cluster, "a", 0);
    let instances = discovery::watch(&cluster, &SERVICE);
    assert!(ids(&instances).is_empty() && !*registration.registered().borrow());
    coordinators.restart(0).await.unwrap();
    eventually("it is there", async || ids(&instances) == ["a"]).await;

    coordinators.kill(0).await;
    assert_eq!(ids(&instances), ["a"], "what was known stays");
    coordinators.restart(0).await.unwrap();
    coordinators.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_less_busy_is_chosen_and_whoever_left_is_not() {
    let cluster = cluster().await;
    let balancer = Balancer::new(discovery::watch(&cluster, &SERVICE));
    assert!(balancer.pick().is_none());
    let (busy, idle) = (register(&cluster, "busy", 100), register(&cluster, "idle", 0));
    eventually("both are there", async || balancer.instances().list().len() == 2).await;
    let picks: Vec<_> = (0..100).map(|_| balancer.pick().unwrap()).collect();
    assert!(picks.iter().all(|pick| pick.id.as_str() == "idle"), "requests under way count, up to the other's load");
    let mut more = HashMap::<String, u32>::new();
    let _more: Vec<_> = (0..100)
        .map(|_| balancer.pick().unwrap())
        .inspect(|pick| *more.entry(pick.id.to_string()).or_default() += 1)
        .collect();
    assert!(more.values().all(|count| *count == 50), "{more:?}");
    drop(picks);

    idle.leave().await;
    eventually("one has left", async || balancer.instances().list().len() == 1).await;
    assert_eq!(balancer.pick().unwrap().id.as_str(), "busy");
    busy.leave().await;
    eventually("nobody is left", async || balancer.pick().is_none()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn registrations_and_watches_go_on_when_their_member_dies() {
    let coordinators = testing::private_coordinators(3).await;
    let (here, there) = (client(&coordinators), client(&coordinators));
    let first = register(&here, "first", 0);
    let instances = discovery::watch(&there, &SERVICE);
    eventually("the first is there", async || ids(&instances) == ["first"]).await;

    let killed = kill_asked(&coordinators, &there).await;
    let second = register(&here, "second", 0);
    eventually("the second is there", async || ids(&instances) == ["first", "second"]).await;
    coordinators.restart(killed).await.unwrap();
    let killed = kill_asked(&coordinators, &here).await;
    first.leave().await;
    eventually("the first has left", async || ids(&instances) == ["second"]).await;
    coordinators.restart(killed).await.unwrap();
    assert!(*second.registered().borrow());
    coordinators.stop().await;
}

/// Every state of the list is seen by a watch that nobody disturbs; the last state must be the same through one whose
/// connection is cut between any two changes.
#[tokio::test(flavor = "multi_thread")]
async fn a_watch_that_is_cut_all_the_time_ends_with_the_same_list() {
    let direct = cluster().await;
    let proxy = Arc::new(Proxy::start(&testing::coordinators().await.endpoints()[0]).await);
    let behind = Cluster::new(Config::new([proxy.endpoint()], &direct.config().prefix)).unwrap();
    let (calm, disturbed) = (discovery::watch(&direct, &SERVICE), discovery::watch(&behind, &SERVICE));
    let mut registrations = Vec::new();
    for round in 0..30 {
        registrations.push(register(&direct, &format!("i{round:02}"), round));
        proxy.cut();
        if round % 3 == 2 {
            registrations.remove(0).leave().await;
        }
    }
    eventually("the calm one has seen all", async || calm.list().len() == 20).await;
    eventually("the other has seen the same", async || calm.list() == disturbed.list()).await;
}

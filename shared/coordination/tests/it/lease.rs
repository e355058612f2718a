//! Leases end here before they end there.

use std::time::Instant;

use coordination::{
    Name,
    discovery::{self, Instance},
    election,
    lease::Session,
};
use local::testing;

use crate::{
    proxy::Proxy,
    stage::{TTL, client, cluster, eventually, kill_asked, reach, soon},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_session_outlives_its_time_to_live_while_it_is_kept() {
    let session = Session::grant(&cluster().await, TTL).await.unwrap();
    let late = tokio::time::timeout(TTL * 2, session.lost()).await;
    assert!(late.is_err() && session.is_alive());
    session.revoke().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_survives_the_member_it_is_kept_on() {
    let coordinators = testing::private_coordinators(3).await;
    let cluster = client(&coordinators);
    let session = Session::grant(&cluster, TTL * 2).await.unwrap();
    let life = session.life().clone();
    kill_asked(&coordinators, &cluster).await;
    let late = tokio::time::timeout(TTL * 4, life.lost()).await;
    assert!(late.is_err() && session.is_alive());
    coordinators.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_revoked_is_gone_at_once() {
    let cluster = cluster().await;
    let election = Name::literal("revoked");
    let leadership = election::campaign(&cluster, &election, "me", TTL * 30).await;
    let mandate = leadership.mandate();
    assert_eq!(election::leader(&cluster, &election).await.unwrap().unwrap().candidate, "me");
    leadership.resign().await;
    assert!(!mandate.is_leader());
    assert_eq!(election::leader(&cluster, &election).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_dropped_is_gone_soon() {
    let cluster = cluster().await;
    let election = Name::literal("dropped");
    drop(election::campaign(&cluster, &election, "me", TTL * 30).await);
    eventually("nobody leads", async || election::leader(&cluster, &election).await.unwrap().is_none()).await;
}

/// The leader's process stands still, or the network before it does: it must know by itself, and first.
#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_is_cut_off_stops_before_its_key_is_gone() {
    let direct = cluster().await;
    let proxy = Proxy::start(&testing::coordinators().await.endpoints()[0]).await;
    let behind =
        coordination::Cluster::new(coordination::Config::new([proxy.endpoint()], &direct.config().prefix)).unwrap();
    let election = Name::literal("cut-off");
    let first = election::campaign(&behind, &election, "first", TTL).await;
    let second = {
        let (direct, election) = (direct.clone(), election.clone());
        tokio::spawn(async move {
            let leadership = election::campaign(&direct, &election, "second", TTL).await;
            (Instant::now(), leadership)
        })
    };
    eventually("the second waits", async || election::leader(&direct, &election).await.unwrap().is_some()).await;

    proxy.freeze();
    soon("the first knows", first.lost()).await;
    let stopped = Instant::now();
    let mandate = first.mandate();
    assert!(!first.is_leader());
    let leader = election::leader(&direct, &election).await.unwrap().unwrap();
    assert_eq!(leader.term, first.term(), "its key is still there");
    let (followed, second) = soon("the second leads", second).await.unwrap();
    assert!(stopped < followed && first.term() < second.term());

    proxy.thaw();
    assert!(!mandate.is_leader(), "what was lost stays lost");
    assert!(second.is_leader());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_was_cut_off_registers_again() {
    let coordinators = testing::private_coordinators(1).await;
    let (direct, proxy) = (client(&coordinators), Proxy::start(&coordinators.endpoints()[0]).await);
    let behind = reach([proxy.endpoint()]);
    let service = Name::literal("order");
    let instance = Instance { id: Name::literal("a"), address: "127.0.0.1:1".to_owned(), load: 0 };
    let registration = discovery::register(&behind, &service, instance, TTL);
    let instances = discovery::watch(&direct, &service);
    eventually("it is there", async || instances.list().len() == 1).await;

    proxy.freeze();
    let mut registered = registration.registered();
    soon("it knows", registered.wait_for(|registered| !registered)).await.unwrap();
    eventually("its key is gone", async || instances.list().is_empty()).await;
    proxy.thaw();
    proxy.cut();
    eventually("it is there again", async || instances.list().len() == 1).await;
    registration.leave().await;
    eventually("it has left", async || instances.list().is_empty()).await;
    coordinators.stop().await;
}

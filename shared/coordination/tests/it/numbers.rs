//! Epochs and counters: nothing twice, nothing lost.

use std::collections::BTreeSet;

use coordination::{Cluster, Name, counter, epoch};
use local::testing;
use tokio::task::JoinSet;

use crate::{
    proxy::Proxy,
    stage::{client, cluster, kill_asked, reach},
};

static NAME: Name = Name::literal("number");

async fn many(callers: u32, each: u32, cluster: impl Fn() -> Cluster) -> JoinSet<Vec<u64>> {
    let mut tasks = JoinSet::new();
    for _ in 0..callers {
        let cluster = cluster();
        tasks.spawn(async move {
            let mut numbers = Vec::new();
            for _ in 0..each {
                numbers.push(epoch::next(&cluster, &NAME).await.unwrap());
            }
            numbers
        });
    }
    tasks
}

fn assert_unique_and_growing(lists: Vec<Vec<u64>>) {
    let count = lists.iter().map(Vec::len).sum::<usize>();
    for list in &lists {
        assert!(list.is_sorted_by(|a, b| a < b), "{list:?}");
    }
    assert_eq!(lists.into_iter().flatten().collect::<BTreeSet<_>>().len(), count);
}

#[tokio::test(flavor = "multi_thread")]
async fn epochs_grow_and_differ() {
    let cluster = cluster().await;
    assert_eq!(epoch::next(&cluster, &NAME).await.unwrap(), 1);
    let lists = many(32, 10, || cluster.clone()).await.join_all().await;
    assert_unique_and_growing(lists);
}

#[tokio::test(flavor = "multi_thread")]
async fn epochs_grow_and_differ_while_members_die() {
    let coordinators = testing::private_coordinators(3).await;
    let cluster = client(&coordinators);
    let before = epoch::next(&cluster, &NAME).await.unwrap();
    let tasks = many(32, 30, || client(&coordinators)).await;
    while epoch::next(&cluster, &NAME).await.unwrap() < before + 100 {}
    let killed = kill_asked(&coordinators, &cluster).await;
    let middle = epoch::next(&cluster, &NAME).await.unwrap();
    assert!(middle > before + 100);
    coordinators.restart(killed).await.unwrap();
    let lists = tasks.join_all().await;
    let most = lists.iter().flatten().max().copied().unwrap();
    assert_unique_and_growing(lists);
    assert!(epoch::next(&cluster, &NAME).await.unwrap() > most);
    coordinators.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_counter_adds_everything_once() {
    let cluster = cluster().await;
    let mut tasks = JoinSet::new();
    for _ in 0..16 {
        let cluster = cluster.clone();
        tasks.spawn(async move { counter::fetch_add(&cluster, &NAME, 3).await.unwrap() });
    }
    let before: BTreeSet<i64> = tasks.join_all().await.into_iter().collect();
    assert_eq!(before, (0..16).map(|n| n * 3).collect());
    assert_eq!(counter::fetch_add(&cluster, &NAME, -48).await.unwrap(), 48);
    assert_eq!(counter::fetch_add(&cluster, &NAME, i64::MAX).await.unwrap(), 0);
    let error = counter::fetch_add(&cluster, &NAME, 1).await.unwrap_err();
    assert_eq!(error.to_string(), format!("{} + 1 is out of range", i64::MAX));
    assert_eq!(counter::get(&cluster, &NAME).await.unwrap(), i64::MAX);
}

/// Connections are cut under the answers, so that much is done without an answer and tried again.
#[tokio::test(flavor = "multi_thread")]
async fn a_counter_adds_everything_once_though_answers_get_lost() {
    let coordinators = testing::private_coordinators(1).await;
    let proxy = Proxy::start(&coordinators.endpoints()[0]).await;
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let cluster = reach([proxy.endpoint()]);
        tasks.spawn(async move {
            for _ in 0..20 {
                counter::fetch_add(&cluster, &NAME, 1).await.unwrap();
            }
        });
    }
    let direct = client(&coordinators);
    let mut cut_at = 1;
    loop {
        tokio::select! {
            joined = tasks.join_next() => match joined {
                Some(joined) => joined.unwrap(),
                None => break,
            },
            value = counter::get(&direct, &NAME) => {
                let value = value.unwrap();
                if value >= cut_at {
                    proxy.cut();
                    cut_at = value + 3;
                }
            }
        }
    }
    assert_eq!(counter::get(&direct, &NAME).await.unwrap(), 160);
    coordinators.stop().await;
}

//! Going over from one policy to another while processes run.

use std::time::Duration;

use cache::{Cache, Config, Policy};
use coordination::{
    Cluster, Name,
    settings::{self, Control, Follower, Milliseconds},
};

use crate::stage::{LONG, Memcached, Row, cached, cluster, config, eventually, get, key, text};

const POLICY: Name = Name::literal("inventory.cache-policy");
const TTL: Name = Name::literal("inventory.cache-ttl");
const SETTLE: Duration = Duration::from_millis(300);

/// A process: its own view of the settings.
async fn member(memcached: &Memcached, cluster: &Cluster) -> (Cache, Follower) {
    let mut definitions = settings::Definitions::new();
    let policy = definitions.define(POLICY, Policy::setting(), "", "How stock is cached").unwrap();
    let ttl = Milliseconds { default: Duration::from_secs(60), range: Duration::ZERO..=LONG };
    let ttl = definitions.define(TTL, ttl, "ms", "For how long").unwrap();
    let mut follower = settings::follow(cluster, definitions);
    follower.read().await;
    let config = Config { settle: SETTLE, ..config(memcached) };
    (Cache::following(config, policy, ttl, cluster).unwrap(), follower)
}

async fn set(cluster: &Cluster, name: &Name, value: Option<&str>) {
    let control = Control::new(cluster);
    eventually("the setting is defined", async || control.set(name, value, "test").await.is_ok()).await;
}

async fn switch(cluster: &Cluster, members: &[&Cache], policy: Policy) {
    set(cluster, &POLICY, Some(policy.word())).await;
    eventually("all know", async || members.iter().all(|cache| cache.policy() == policy)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_cached_before_a_switch_is_not_believed_after_it() {
    let (memcached, cluster) = (Memcached::start().await, cluster().await);
    let ((a, _keeps), (b, _kept)) = (member(&memcached, &cluster).await, member(&memcached, &cluster).await);
    let row = Row::new();
    switch(&cluster, &[&a, &b], Policy::WriteThrough).await;
    get(&a, "a", &row).await;
    eventually("it is stored", async || cached(&b, "a").await.is_some()).await;
    switch(&cluster, &[&a, &b], Policy::Off).await;
    assert_eq!(cached(&a, "a").await, None);
    // Once all must know, nobody tells any more.
    tokio::time::sleep(SETTLE).await;
    let changed = row.change();
    a.changed(&key("a"), changed.value, changed.stamp).await;
    switch(&cluster, &[&a, &b], Policy::Aside).await;
    eventually("it is cached again", async || {
        for cache in [&a, &b] {
            assert_eq!(text(&get(cache, "a", &row).await), "2");
        }
        cached(&b, "a").await.is_some() && cached(&a, "a").await.is_some()
    })
    .await;
    // Nor by who starts now, and has never seen the other policies.
    let (c, _follows) = member(&memcached, &cluster).await;
    assert_eq!(cached(&c, "a").await.as_deref(), Some("2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_knows_of_a_switch_later_does_not_spoil_it() {
    let (memcached, cluster) = (Memcached::start().await, cluster().await);
    let (a, _keeps) = member(&memcached, &cluster).await;
    let row = Row::new();
    switch(&cluster, &[&a], Policy::Off).await;
    tokio::time::sleep(SETTLE).await;
    // Until all must have learnt of it, nothing is read or stored, and changes are told all the same.
    switch(&cluster, &[&a], Policy::Aside).await;
    let since = std::time::Instant::now();
    get(&a, "a", &row).await;
    let early = cached(&a, "a").await;
    if since.elapsed() < SETTLE / 2 {
        assert_eq!(early, None);
    }
    eventually("it is cached", async || {
        get(&a, "a", &row).await;
        cached(&a, "a").await.is_some()
    })
    .await;
    // Off again: for as long as others may not know, changes are told, and what they have is out of date.
    let (late, _follows) = member(&memcached, &cluster).await;
    assert_eq!(cached(&late, "a").await.as_deref(), Some("1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn both_policies_may_stand_beside_each_other() {
    let memcached = Memcached::start().await;
    let config = config(&memcached);
    let [aside, through] = [Policy::Aside, Policy::WriteThrough].map(|policy| crate::stage::by(&config, policy));
    let row = Row::new();
    get(&aside, "a", &row).await;
    eventually("it is stored", async || cached(&through, "a").await.is_some()).await;
    for _ in 0..20 {
        let changed = row.change();
        through.changed(&key("a"), changed.value.clone(), changed.stamp).await;
        assert_eq!(cached(&aside, "a").await, changed.value);
        let changed = row.change();
        aside.changed(&key("a"), changed.value.clone(), changed.stamp).await;
        assert_eq!(cached(&through, "a").await, None);
        assert_eq!(text(&get(&through, "a", &row).await), changed.value.unwrap());
        eventually("it is stored", async || cached(&aside, "a").await.is_some()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shorter_time_to_live_holds_at_once() {
    let (memcached, cluster) = (Memcached::start().await, cluster().await);
    let (a, _keeps) = member(&memcached, &cluster).await;
    let row = Row::new();
    get(&a, "a", &row).await;
    eventually("it is stored", async || cached(&a, "a").await.is_some()).await;
    set(&cluster, &TTL, Some("1")).await;
    eventually("it is too old", async || cached(&a, "a").await.is_none()).await;
    set(&cluster, &TTL, None).await;
    eventually("it is not, any more", async || cached(&a, "a").await.is_some()).await;
}

//! Servers that are gone, stand still, and come back with what they held.

use std::time::{Duration, Instant};

use cache::{Config, Policy, Source};

use crate::stage::{Memcached, Row, by, cached, config, eventually, get, key, process, text};

const PATIENCE: Duration = Duration::from_millis(100);

fn impatient(memcached: &Memcached) -> Config {
    Config { patience: PATIENCE, probe: Duration::from_millis(100), ..config(memcached) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_gone_is_a_miss() {
    let memcached = Memcached::start().await;
    let (cache, row) = (process(&impatient(&memcached)), Row::new());
    get(&cache, "a", &row).await;
    eventually("it is stored", async || cached(&cache, "a").await.is_some()).await;
    memcached.kill().await;
    for i in 0..20 {
        assert_eq!(get(&cache, "a", &row).await.source, Source::Loaded);
        assert_eq!(row.loads(), i + 2);
    }
    let changed = row.change();
    cache.changed(&key("a"), changed.value, changed.stamp).await;
    memcached.restart().await;
    eventually("it is used again", async || {
        assert_eq!(text(&get(&cache, "a", &row).await), "2");
        cached(&cache, "a").await.is_some()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stands_still_costs_a_few_faults() {
    let memcached = Memcached::start().await;
    let config = impatient(&memcached);
    let (cache, row) = (process(&config), Row::new());
    get(&cache, "a", &row).await;
    eventually("it is stored", async || cached(&cache, "a").await.is_some()).await;
    memcached.pause();
    let since = Instant::now();
    for _ in 0..200 {
        assert_eq!(text(&get(&cache, "a", &row).await), "1");
    }
    // Three faults, and then none: not even for a probe.
    let took = since.elapsed();
    assert!(took < PATIENCE * 20, "{took:?} for 200 reads");
    memcached.resume();
    eventually("it is used again", async || get(&cache, "a", &row).await.source == Source::Cache).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_held_while_it_missed_a_change_is_not_believed() {
    let memcached = Memcached::start().await;
    for policy in [Policy::Aside, Policy::WriteThrough] {
        let config = Config { prefix: format!("{policy}/"), ..impatient(&memcached) };
        let [told, other] = [0, 1].map(|_| by(&config, policy));
        let row = Row::new();
        get(&told, "a", &row).await;
        eventually("it is stored", async || cached(&other, "a").await.is_some()).await;
        memcached.pause();
        let changed = row.change();
        let since = Instant::now();
        told.changed(&key("a"), changed.value, changed.stamp).await;
        assert!(since.elapsed() < PATIENCE * 10, "{:?}", since.elapsed());
        memcached.resume();
        // At no moment: neither before it has been told, nor after.
        eventually("the other does not believe it either, once it was told", async || {
            assert_ne!(cached(&told, "a").await.as_deref(), Some("1"));
            cached(&other, "a").await.as_deref() != Some("1")
        })
        .await;
        eventually("it is used again", async || {
            assert_eq!(text(&get(&told, "a", &row).await), "2");
            cached(&told, "a").await.is_some()
        })
        .await;
        assert_ne!(cached(&other, "a").await.as_deref(), Some("1"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_never_there_does_no_harm() {
    let memcached = Memcached::start().await;
    let config = Config { servers: vec!["no-such-host.invalid:11211".to_owned()], ..impatient(&memcached) };
    let (cache, row) = (process(&config), Row::new());
    let since = Instant::now();
    for _ in 0..50 {
        assert_eq!(get(&cache, "a", &row).await.source, Source::Loaded);
    }
    let changed = row.change();
    cache.changed(&key("a"), changed.value, changed.stamp).await;
    assert!(since.elapsed() < PATIENCE * 30, "{:?}", since.elapsed());
}

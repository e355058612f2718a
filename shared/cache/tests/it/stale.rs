//! What is out of date, or has expired, while somebody loads it anew.

use std::time::Duration;

use cache::{Acceptable, Config, Policy, Source};

use crate::stage::{LONG, Memcached, Row, any, cached, config, eventually, get, get_by, living, process, text};

#[tokio::test(flavor = "multi_thread")]
async fn readers_have_the_old_value_while_one_loads() {
    let memcached = Memcached::start().await;
    let config = Config { grace: LONG, ..config(&memcached) };
    let [a, b] = [0, 1].map(|_| process(&config));
    let row = Row::new();
    get(&a, "a", &row).await;
    eventually("it is stored", async || cached(&a, "a").await.is_some()).await;
    row.shut();
    let changed = row.change();
    a.changed(&crate::stage::key("a"), changed.value, changed.stamp).await;
    for _ in 0..20 {
        for cache in [&a, &b] {
            let old = get(cache, "a", &row).await;
            assert_eq!((text(&old), old.source), ("1", Source::Stale));
        }
    }
    eventually("one loads", async || row.loads() == 2).await;
    // Who must see the change does not take the old one, nor waits for a load that may not show it.
    let waits = tokio::spawn({
        let (b, row) = (b.clone(), row.clone());
        async move { get_by(&b, "a", &row, &any().seeing(20)).await }
    });
    eventually("another loads", async || row.loads() == 3).await;
    assert_eq!(get(&b, "a", &row).await.source, Source::Stale);
    row.open();
    assert_eq!(text(&waits.await.unwrap()), "2");
    eventually("all have the new one", async || {
        get(&a, "a", &row).await.source == Source::Cache && text(&get(&b, "a", &row).await) == "2"
    })
    .await;
    assert_eq!(row.loads(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_grace_readers_wait() {
    let memcached = Memcached::start().await;
    let config = config(&memcached);
    let (cache, row) = (process(&config), Row::new());
    get(&cache, "a", &row).await;
    eventually("it is stored", async || cached(&cache, "a").await.is_some()).await;
    let changed = row.change();
    cache.changed(&crate::stage::key("a"), changed.value, changed.stamp).await;
    assert!(cached(&cache, "a").await.is_none());
    let new = get(&cache, "a", &row).await;
    assert_eq!((text(&new), new.source), ("2", Source::Loaded));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_value_is_given_within_the_grace_and_never_older_than_accepted() {
    let memcached = Memcached::start().await;
    // Fresh for half of its time: what is left is the grace's.
    let config = Config { grace: LONG, jitter: 0.0, ..config(&memcached) };
    let ttl = Duration::from_millis(400);
    let [short, long] = [ttl, LONG].map(|ttl| living(&config, Policy::Aside, ttl));
    let row = Row::new();
    get(&short, "a", &row).await;
    eventually("it is stored", async || cached(&short, "a").await.is_some()).await;
    row.shut();
    eventually("it has expired", async || cached(&short, "a").await.is_none()).await;
    let old = get(&long, "a", &row).await;
    assert_eq!((text(&old), old.source), ("1", Source::Stale), "who accepts older ones has it, and it is loaded");
    eventually("one loads", async || row.loads() == 2).await;
    let young = Acceptable::within(ttl);
    let waits = tokio::spawn({
        let (long, row) = (long.clone(), row.clone());
        async move { get_by(&long, "a", &row, &young).await }
    });
    row.change();
    row.open();
    assert!(waits.await.unwrap().stamp.age() < ttl * 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_is_loaded_before_it_expires() {
    let memcached = Memcached::start().await;
    let config = config(&memcached);
    // A load takes a tenth of the time to live: readers begin some tenths before its end, and none ever waits.
    let cache = living(&config, Policy::Aside, Duration::from_secs(3));
    let row = Row::taking(Duration::from_millis(300));
    get(&cache, "a", &row).await;
    eventually("it is stored", async || cached(&cache, "a").await.is_some()).await;
    eventually("it is loaded again", async || {
        assert!(get(&cache, "a", &row).await.source.is_cache(), "before it had expired");
        row.loads() > 1
    })
    .await;
}

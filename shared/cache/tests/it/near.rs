//! The cache in the process.

use std::time::Duration;

use cache::{Config, Near, Source};
use local::testing::Pauses;

use crate::stage::{Memcached, Row, any, cached, config, eventually, get, get_by, key, process, text};

#[tokio::test(flavor = "multi_thread")]
async fn what_was_just_read_is_read_again_in_the_process() {
    let memcached = Memcached::start().await;
    let near = Near { ttl: Duration::from_secs(60), entries: 10, bytes: 10_000 };
    let config = config(&memcached);
    let (near, far) = (process(&Config { near: Some(near), ..config.clone() }), process(&config));
    let row = Row::new();
    get(&far, "a", &row).await;
    eventually("it is stored", async || cached(&far, "a").await.is_some()).await;
    assert_eq!(get(&near, "a", &row).await.source, Source::Cache);
    assert_eq!(get(&near, "a", &row).await.source, Source::Near);
    assert_eq!(get_by(&near, "a", &row, &any().seeing(10)).await.source, Source::Cache, "who wants more asks further");
    // Its own changes it knows of at once, those of others within a second.
    let changed = row.change();
    near.changed(&key("a"), changed.value, changed.stamp).await;
    assert_eq!(text(&get(&near, "a", &row).await), "2");
    let changed = row.change();
    far.changed(&key("a"), changed.value, changed.stamp).await;
    let (since, pauses) = (std::time::Instant::now(), Pauses::watch());
    eventually("it is known", async || text(&get(&near, "a", &row).await) == "3").await;
    assert!(since.elapsed() < Duration::from_millis(1_500) + pauses.allowance(), "{:?}", since.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_bounded() {
    let memcached = Memcached::start().await;
    let near = Near { ttl: Duration::from_secs(1), entries: 3, bytes: 10_000 };
    let cache = process(&Config { near: Some(near), ..config(&memcached) });
    let row = Row::new();
    for i in 0..10 {
        get(&cache, &format!("k{i}"), &row).await;
    }
    assert_eq!(get(&cache, "k9", &row).await.source, Source::Near);
    memcached.kill().await;
    assert_eq!(get(&cache, "k8", &row).await.source, Source::Near);
    assert_eq!(get(&cache, "k0", &row).await.source, Source::Loaded);
}

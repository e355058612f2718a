//! A load that began before a change, and ends after it was told of.

use std::convert::Infallible;

use cache::{Cache, Config, Loaded, Policy};
use tokio::{sync::oneshot, time::timeout};

use crate::stage::{BOUND, Memcached, Row, any, at_version, by, cached, config, eventually, get, get_by, key, text};

/// A load that has read the row and has not ended.
struct Open {
    end: oneshot::Sender<()>,
    caller: tokio::task::JoinHandle<String>,
}

impl Open {
    async fn begin(cache: &Cache, row: &Row) -> Self {
        let (end, ended) = oneshot::channel();
        let (has_read, read) = oneshot::channel();
        let (cache, row) = (cache.clone(), row.clone());
        let caller = tokio::spawn(async move {
            let load = move || async move {
                let loaded = row.read();
                has_read.send(()).unwrap();
                ended.await.unwrap();
                Ok::<_, Infallible>(loaded)
            };
            text(&cache.get_or_load(&key("a"), &any(), load).await.unwrap()).to_owned()
        });
        read.await.unwrap();
        Self { end, caller }
    }

    /// Lets it end; what its caller has.
    async fn end(self) -> String {
        self.end.send(()).unwrap();
        self.caller.await.unwrap()
    }
}

/// What the next reader has, once everything under way has come to its end, is not what was before the change.
async fn the_old_is_not_cached(config: &Config, row: &Row, what: &str) {
    let fresh = by(config, Policy::Aside);
    let got = get(&fresh, "a", row).await;
    assert_eq!(text(&got), "2", "{what}");
    eventually("it is stored", async || cached(&fresh, "a").await.is_some()).await;
    for _ in 0..20 {
        assert_eq!(cached(&fresh, "a").await.as_deref(), Some("2"), "{what}");
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
}

async fn tell(how: &str, cache: &Cache, Loaded { value, stamp, .. }: Loaded<String>) {
    match how {
        "changed" | "changed, written through" => cache.changed(&key("a"), value, stamp).await,
        "invalidated" => cache.invalidate([key("a")]).await,
        "written through" => cache.write_through(&key("a"), value, stamp).await,
        other => panic!("{other:?} tells nothing"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_from_before_a_change_is_not_cached_after_it() {
    let memcached = Memcached::start().await;
    for (round, how) in
        ["changed", "changed, written through", "invalidated", "written through"].into_iter().enumerate()
    {
        // By the one who loads, and by another process; on nothing, and on an entry that had expired.
        for (who, before) in [("own", false), ("other", false), ("own", true), ("other", true)] {
            let config = Config { prefix: format!("p{round}/{who}/{before}/"), ..config(&memcached) };
            let policy = if how.ends_with(", written through") { Policy::WriteThrough } else { Policy::Aside };
            let [loads, other] = [0, 1].map(|_| by(&config, policy));
            let row = Row::new();
            if before {
                get(&loads, "a", &row).await;
                eventually("it is stored", async || cached(&other, "a").await.is_some()).await;
                other.invalidate([key("a")]).await;
            }
            let open = Open::begin(&loads, &row).await;
            let changed = row.change();
            tell(how, if who == "own" { &loads } else { &other }, changed).await;
            assert_eq!(open.end().await, "1", "its own caller began before, too");
            the_old_is_not_cached(&config, &row, &format!("{how} by {who}, {before}")).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_who_comes_after_the_change_does_not_wait_for_a_load_from_before() {
    let memcached = Memcached::start().await;
    let config = config(&memcached);
    let (cache, row) = (by(&config, Policy::Aside), Row::new());
    let open = Open::begin(&cache, &row).await;
    let changed = row.change();
    cache.changed(&key("a"), changed.value, changed.stamp).await;
    assert_eq!(text(&get(&cache, "a", &row).await), "2");
    assert_eq!(open.end().await, "1");
    the_old_is_not_cached(&config, &row, "while a load from before ends").await;
}

/// That one may have read before the write that it must see.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_who_must_see_a_write_does_not_wait_for_the_load_of_another() {
    for in_the_same_process in [true, false] {
        let memcached = Memcached::start().await;
        let config = Config { lease: BOUND, ..config(&memcached) };
        let [cache, other] = [0, 1].map(|_| by(&config, Policy::Aside));
        let row = Row::new();
        let open = Open::begin(&cache, &row).await;
        let written = row.change();
        let must_see = any().seeing(written.stamp.sees);
        let reader = if in_the_same_process { &cache } else { &other };
        let read = timeout(BOUND, get_by(reader, "a", &row, &must_see)).await.expect("it waits");
        assert_eq!(text(&read), "2");
        assert_eq!(open.end().await, "1");
        // Nobody told of the write: what was before it may be cached in between.
        eventually("what includes the write stays", async || {
            for cache in [&cache, &other] {
                if cached(cache, "a").await.as_deref() != Some("2") {
                    return false;
                }
            }
            true
        })
        .await;
        the_old_is_not_cached(&config, &row, "once that was stored").await;
    }
}

/// The server counts from the beginning, so that somebody else's register may have the number by which this load's was
/// written.
#[tokio::test(flavor = "multi_thread")]
async fn a_load_from_before_a_restart_is_not_taken_for_one_from_after() {
    let memcached = Memcached::start().await;
    let config = config(&memcached);
    let [before, after] = [0, 1].map(|_| by(&config, Policy::Aside));
    let row = Row::new();
    let open = Open::begin(&before, &row).await;
    let changed = row.change();
    before.changed(&key("b"), changed.value.clone(), changed.stamp).await;
    memcached.restart().await;
    eventually("the other reaches it", async || {
        after.changed(&key("c"), None, changed.stamp).await;
        get(&after, "d", &row).await;
        cached(&after, "d").await.is_some()
    })
    .await;
    memcached.restart().await;
    // The first thing that is written, as the first load's register was.
    let new = Open::begin(&after, &row).await;
    assert_eq!(open.end().await, "1");
    for _ in 0..50 {
        assert_eq!(cached(&after, "a").await, None, "what is stored now was loaded before");
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    assert_eq!(new.end().await, "2");
    the_old_is_not_cached(&config, &row, "after a restart").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_is_told_late_does_not_replace_a_newer_one() {
    let memcached = Memcached::start().await;
    let config = config(&memcached);
    let [a, b] = [0, 1].map(|_| by(&config, Policy::WriteThrough));
    let row = Row::new();
    get(&a, "a", &row).await;
    eventually("it is stored", async || cached(&a, "a").await.is_some()).await;
    let [second, third] = [row.change(), row.change()];
    b.changed(&key("a"), third.value, third.stamp).await;
    assert_eq!(cached(&a, "a").await.as_deref(), Some("3"));
    a.changed(&key("a"), second.value.clone(), second.stamp).await;
    assert_eq!(cached(&a, "a").await.as_deref(), Some("3"));
    // Nor where the newer one is known as a change alone.
    let [fourth, fifth] = [row.change(), row.change()];
    by(&config, Policy::Aside).changed(&key("a"), None, fifth.stamp).await;
    a.changed(&key("a"), fourth.value, fourth.stamp).await;
    assert_eq!(cached(&a, "a").await, None);
    // What is removed is known to be.
    let gone = at_version(6);
    get(&a, "a", &row).await;
    eventually("it is stored", async || cached(&a, "a").await.as_deref() == Some("5")).await;
    a.changed(&key("a"), None, gone.stamp).await;
    assert!(a.get(&key("a"), &any()).await.unwrap().value.is_none());
    a.changed(&key("a"), second.value, second.stamp).await;
    assert!(a.get(&key("a"), &any()).await.unwrap().value.is_none());
    assert_eq!(row.loads(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_lags_does_not_bring_the_old_back() {
    let memcached = Memcached::start().await;
    let config = config(&memcached);
    let [a, b] = [0, 1].map(|_| by(&config, Policy::Aside));
    let row = Row::new();
    let lags = row.shown();
    let changed = row.change();
    a.changed(&key("a"), changed.value, changed.stamp).await;
    let late = || async move { Ok::<_, Infallible>(lags) };
    assert_eq!(text(&b.get_or_load(&key("a"), &any(), late).await.unwrap()), "1", "what its reader accepts");
    the_old_is_not_cached(&config, &row, "read from a replica after the change").await;
}

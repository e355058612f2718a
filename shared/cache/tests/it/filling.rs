//! Who begins a load and does not end it.

use std::time::{Duration, Instant};

use cache::Config;
use local::testing::{Child, child::say};
use tokio::{runtime::Runtime, time::sleep};

use crate::stage::{BOUND, Memcached, Row, cached, config, eventually, get, key, process, text};

const LEASE: Duration = Duration::from_millis(400);

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_dies_while_it_loads_costs_a_lease() {
    let memcached = Memcached::start().await;
    let config = Config { lease: LEASE, ..config(&memcached) };
    let (cache, row) = (process(&config), Row::new());
    let mut dies = Child::start(&format!("loading {}", memcached.address()), []);
    assert_eq!(dies.says().await, "loads");
    dies.crash().await;
    let since = Instant::now();
    assert_eq!(text(&get(&cache, "a", &row).await), "1");
    let took = since.elapsed();
    assert!(took >= LEASE / 2 && took < LEASE * 10, "{took:?}");
    eventually("it is stored", async || cached(&cache, "a").await.is_some()).await;
}

/// In a process of its own: loads, and never ends.
pub(crate) fn load_for_ever(runtime: &Runtime, address: &str) {
    runtime.block_on(async {
        let cache = process(&crate::stage::config_at([address.to_owned()]));
        let load = || async {
            say("loads");
            std::future::pending::<crate::stage::Read>().await
        };
        let _: crate::stage::Got = cache.get_or_load(&crate::stage::key("a"), &crate::stage::any(), load).await;
    });
}

/// As where the answer that told it to load came too late for it.
#[tokio::test(flavor = "multi_thread")]
async fn who_was_told_to_load_and_says_nothing_costs_two_exchanges() {
    let memcached = Memcached::start().await;
    let config = Config { lease: BOUND, ..config(&memcached) };
    let raw = memcached.raw().await;
    assert!(raw.get("plumbline/stock.1:a").lease_ttl(30).send().await.unwrap().won_lease());
    let (cache, row, since) = (process(&config), Row::new(), Instant::now());
    assert!(cached(&cache, "a").await.is_none());
    assert_eq!(text(&get(&cache, "a", &row).await), "1");
    let took = since.elapsed();
    assert!(took >= config.patience * 2 && took < BOUND, "{took:?}");
    eventually("it is stored", async || cached(&cache, "a").await.is_some()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_slow_server_can_not_be_told_at_once_is_told_again() {
    let memcached = Memcached::start().await;
    let patience = Duration::from_millis(400);
    let config = Config { lease: BOUND, patience, faults: 100, ..config(&memcached) };
    let [slow, other] = [0, 1].map(|_| process(&config));
    let row = Row::new();
    row.shut();
    let loading = tokio::spawn({
        let (slow, row) = (slow.clone(), row.clone());
        async move { text(&get(&slow, "a", &row).await).to_owned() }
    });
    eventually("it is being loaded", async || row.loads() == 1).await;
    memcached.pause();
    row.open();
    assert_eq!(loading.await.unwrap(), "1", "who waits is given it before it is stored");
    sleep(patience * 3 / 2).await;
    memcached.resume();
    let since = Instant::now();
    assert_eq!(text(&get(&other, "a", &row).await), "1");
    assert!(since.elapsed() < BOUND, "it waits for a lease that nobody gives back");
    assert_eq!(row.loads(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_far_longer_than_the_last_load_is_passed_over() {
    let memcached = Memcached::start().await;
    let config = Config { lease: BOUND, grace: Duration::ZERO, ..config(&memcached) };
    let [slow, other] = [0, 1].map(|_| process(&config));
    let [row, quick] = [0, 1].map(|_| Row::new());
    get(&slow, "a", &row).await;
    eventually("it is stored", async || cached(&slow, "a").await.is_some()).await;
    let [changed, _] = [row.change(), quick.change()];
    slow.changed(&key("a"), changed.value, changed.stamp).await;
    row.shut();
    let loading = tokio::spawn({
        let row = row.clone();
        async move { text(&get(&slow, "a", &row).await).to_owned() }
    });
    eventually("it is being loaded", async || row.loads() == 2).await;
    let since = Instant::now();
    assert_eq!(text(&get(&other, "a", &quick).await), "2");
    assert!(since.elapsed() < BOUND && quick.loads() == 1);
    row.open();
    assert_eq!(loading.await.unwrap(), "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_outlasts_its_lease_is_stored_all_the_same() {
    let memcached = Memcached::start().await;
    let config = Config { lease: Duration::from_millis(100), ..config(&memcached) };
    let [a, b] = [0, 1].map(|_| process(&config));
    let row = Row::taking(Duration::from_millis(300));
    let (one, other) = tokio::join!(get(&a, "a", &row), get(&b, "a", &row));
    assert_eq!([text(&one), text(&other)], ["1", "1"]);
    assert!(row.loads() <= 2);
    eventually("it is stored", async || cached(&a, "a").await.is_some()).await;
}

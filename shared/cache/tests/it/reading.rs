//! What is read, stored, and found again.

use std::{
    convert::Infallible,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use cache::{Acceptable, Cache, Config, Key, Kind, LoadError, Loaded, Policy, Source, Stamp, now};

use crate::stage::{
    LONG, Memcached, Row, Stock, any, at_version, by, cached, config, eventually, get, get_by, key, living, process,
    text,
};

#[tokio::test]
async fn what_one_process_loads_others_find() {
    let memcached = Memcached::start().await;
    let (config, row) = (config(&memcached), Row::new());
    let [a, b] = [0, 1].map(|_| process(&config));
    assert!(cached(&a, "gift 20%").await.is_none());
    assert_eq!(get(&a, "gift 20%", &row).await.source, Source::Loaded);
    eventually("it is stored", async || cached(&b, "gift 20%").await.is_some()).await;
    let found = get(&b, "gift 20%", &row).await;
    assert_eq!((text(&found), found.source, found.stamp.sees), ("1", Source::Cache, 10));
    assert_eq!(row.loads(), 1);
    assert!(cached(&b, "gift 20").await.is_none());
}

#[tokio::test]
async fn a_reader_takes_only_what_it_accepts() {
    let memcached = Memcached::start().await;
    let (config, row) = (config(&memcached), Row::new());
    let cache = process(&config);
    get(&cache, "a", &row).await;
    eventually("it is stored", async || cached(&cache, "a").await.is_some()).await;
    assert!(cache.get(&key("a"), &any().seeing(10)).await.is_some());
    assert!(cache.get(&key("a"), &any().seeing(11)).await.is_none());
    row.change();
    let seen = get_by(&cache, "a", &row, &any().seeing(20)).await;
    assert_eq!((text(&seen), seen.source, row.loads()), ("2", Source::Loaded, 2));
    eventually("it is replaced", async || cached(&cache, "a").await.as_deref() == Some("2")).await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    let young = get_by(&cache, "a", &row, &Acceptable::within(Duration::from_millis(10))).await;
    assert_eq!((young.source, row.loads()), (Source::Loaded, 3));
}

#[tokio::test]
async fn that_there_is_nothing_is_known_for_a_while() {
    let memcached = Memcached::start().await;
    let config = Config { negative_ttl: Duration::from_millis(300), ..config(&memcached) };
    let (cache, loads) = (process(&config), Arc::new(AtomicUsize::new(0)));
    let look = async || {
        let loads = Arc::clone(&loads);
        let absent = move || async move {
            loads.fetch_add(1, Ordering::SeqCst);
            Ok::<_, Infallible>(Loaded {
                value: None,
                stamp: Stamp { sees: 5, read_at: now(), ..Stamp::default() },
                lags: false,
            })
        };
        cache.get_or_load(&key("a"), &any(), absent).await.unwrap()
    };
    assert!(look().await.value.is_none());
    eventually("it is stored", async || look().await.source == Source::Cache).await;
    let before = loads.load(Ordering::SeqCst);
    eventually("it is looked for again", async || {
        look().await;
        loads.load(Ordering::SeqCst) > before
    })
    .await;
}

#[tokio::test]
async fn the_time_to_live_changes_while_it_runs() {
    let memcached = Memcached::start().await;
    let (config, row) = (config(&memcached), Row::new());
    let [long, short] = [LONG, Duration::from_millis(200)].map(|ttl| living(&config, Policy::Aside, ttl));
    get(&long, "a", &row).await;
    eventually("it is stored", async || cached(&long, "a").await.is_some()).await;
    eventually("it is too old for a shorter time", async || cached(&short, "a").await.is_none()).await;
    assert!(cached(&long, "a").await.is_some());
    get(&short, "a", &row).await;
    eventually("it is loaded anew", async || row.loads() == 2).await;
}

struct Lists;

impl Kind for Lists {
    const NAME: &'static str = "lists";
    const SCHEMA: u16 = 1;
    type Value = Vec<u64>;
}

async fn load_list(cache: &Cache, name: &str, list: Vec<u64>) -> Source {
    let load = move || async move {
        Ok::<_, Infallible>(Loaded { value: Some(list), stamp: at_version(1).stamp, lags: false })
    };
    let got = cache.get_or_load(&Key::<Lists>::new(name), &any(), load).await.unwrap();
    assert!(got.value.is_some());
    got.source
}

#[tokio::test]
async fn large_values_are_compressed_and_larger_ones_not_cached() {
    let memcached = Memcached::start().await;
    let config = Config { largest: 8 << 10, ..config(&memcached) };
    let cache = process(&config);
    let (regular, random) = ((0..5_000).collect::<Vec<u64>>(), (1..5_000_u64).map(|i| i.wrapping_mul(i << 33 | 7919)));
    let random: Vec<u64> = random.collect();
    assert_eq!(load_list(&cache, "regular", vec![7; 5_000]).await, Source::Loaded);
    eventually("it is stored", async || load_list(&cache, "regular", vec![]).await == Source::Cache).await;
    for _ in 0..3 {
        assert_eq!(load_list(&cache, "random", random.clone()).await, Source::Loaded);
    }
    assert!(regular.len() > 1);
    let raw = memcached.raw().await;
    let held = raw.get("plumbline/lists.1:regular").send().await.unwrap().value.unwrap();
    assert!(held.len() < 1_000, "{}", held.len());
}

struct Newer;

impl Kind for Newer {
    const NAME: &'static str = "stock";
    const SCHEMA: u16 = 2;
    type Value = u64;
}

#[tokio::test]
async fn a_new_form_never_reads_an_old_one() {
    let memcached = Memcached::start().await;
    let (config, row) = (config(&memcached), Row::new());
    let cache = process(&config);
    get(&cache, "a", &row).await;
    eventually("it is stored", async || cached(&cache, "a").await.is_some()).await;
    assert!(cache.get(&Key::<Newer>::new("a"), &any()).await.is_none());
}

#[tokio::test]
async fn what_another_wrote_under_a_key_is_loaded_over() {
    let memcached = Memcached::start().await;
    let (config, row) = (config(&memcached), Row::new());
    let (cache, raw) = (process(&config), memcached.raw().await);
    for junk in [&b"junk"[..], b"\x01", b"\x01\x10\0\0\0\0\0\0\0\0", b"\x01\xff"] {
        raw.set("plumbline/stock.1:a", junk).ttl_raw(60).send().await.unwrap();
        let before = row.loads();
        assert_eq!(text(&get(&cache, "a", &row).await), "1");
        assert_eq!(row.loads(), before + 1, "{junk:?}");
        eventually("it is replaced", async || cached(&cache, "a").await.is_some()).await;
    }
}

#[tokio::test]
async fn many_are_read_together_and_the_missing_loaded_at_once() {
    let memcached = Memcached::start().await;
    let config = config(&memcached);
    let [cache, other] = [0, 1].map(|_| process(&config));
    let asked: Arc<Mutex<Vec<Vec<String>>>> = Arc::default();
    let read = async |cache: &Cache, names: &[&str]| {
        let asked = Arc::clone(&asked);
        let load = move |keys: Vec<Key<Stock>>| {
            let texts: Vec<String> = keys.iter().map(|key| key.text().to_owned()).collect();
            asked.lock().unwrap().push(texts.clone());
            async move {
                let each = texts.iter().map(|text| Loaded { value: Some(text.to_uppercase()), ..at_version(1) });
                Ok::<_, Infallible>(each.collect())
            }
        };
        let keys: Vec<_> = names.iter().map(|name| key(name)).collect();
        let read = cache.get_many_or_load(&keys, &any(), load).await.unwrap();
        read.iter().map(|cached| text(cached).to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(read(&cache, &["a", "b", "a"]).await, ["A", "B", "A"]);
    eventually("they are stored", async || cached(&other, "a").await.is_some() && cached(&other, "b").await.is_some())
        .await;
    assert_eq!(read(&other, &["c", "b", "d", "a"]).await, ["C", "B", "D", "A"]);
    assert_eq!(read(&other, &[]).await, [""; 0]);
    assert_eq!(*asked.lock().unwrap(), [vec!["a", "b"], vec!["c", "d"]]);
    let many: Vec<String> = (0..1_000).map(|i| format!("k{i}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(read(&other, &many).await.len(), 1_000);
    assert_eq!(asked.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn a_loader_that_fails_is_told_to_all_who_wait_and_called_again() {
    let memcached = Memcached::start().await;
    let cache = process(&config(&memcached));
    let calls = Arc::new(AtomicUsize::new(0));
    let fail = || {
        let calls = Arc::clone(&calls);
        move || async move {
            calls.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(50)).await;
            Err::<Loaded<String>, _>("no database")
        }
    };
    let (name, any) = (key("a"), any());
    let together = (0..10).map(|_| cache.get_or_load(&name, &any, fail()));
    for failed in futures::future::join_all(together).await {
        assert_eq!(failed.unwrap_err().to_string(), "no database");
    }
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    // Nobody waits for the lease of who has failed.
    let row = Row::new();
    assert_eq!(text(&get(&process(&config(&memcached)), "a", &row).await), "1");
    let panics = || async { panic!("the loader fails the test's way") };
    let ended: Result<_, LoadError<Infallible>> = cache.get_or_load(&key("b"), &any, panics).await;
    assert!(matches!(ended.unwrap_err(), LoadError::Ended));
}

#[tokio::test]
async fn off_means_off() {
    let memcached = Memcached::start().await;
    let (config, row) = (config(&memcached), Row::new());
    let (off, aside) = (by(&config, Policy::Off), process(&config));
    get(&aside, "a", &row).await;
    eventually("it is stored", async || cached(&aside, "a").await.is_some()).await;
    assert_eq!(get(&off, "a", &row).await.source, Source::Loaded);
    assert!(cached(&off, "a").await.is_none());
    assert_eq!(row.loads(), 2);
}

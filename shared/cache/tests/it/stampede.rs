//! Many who want the same at once.

use std::time::{Duration, Instant};

use cache::Source;
use futures::future::join_all;

use crate::stage::{BOUND, Memcached, Row, any, cached, config, eventually, get, key, process};

const CALLERS: usize = 1_000;
const LOAD: Duration = Duration::from_millis(30);

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_callers_of_three_instances_load_once() {
    let memcached = Memcached::start().await;
    let config = config(&memcached);
    let caches = [0, 1, 2].map(|_| process(&config));
    let row = Row::taking(LOAD);
    for round in 0..5 {
        let name = format!("hot {round}");
        let callers = (0..CALLERS).map(|caller| {
            let (cache, row, name) = (caches[caller % 3].clone(), row.clone(), name.clone());
            tokio::spawn(async move {
                let since = Instant::now();
                let source = get(&cache, &name, &row).await.source;
                (source, since.elapsed())
            })
        });
        let done = join_all(callers).await.into_iter().map(Result::unwrap).collect::<Vec<_>>();
        assert_eq!(row.loads(), round + 1);
        assert_eq!(done.iter().filter(|(source, _)| *source == Source::Loaded).count(), 1);
        let longest = done.iter().map(|(_, took)| *took).max().unwrap();
        println!("longest of {CALLERS}: {longest:?}");
        assert!(longest < config.lease, "nobody waits for a lease to end: {longest:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_keys_that_others_load_are_waited_for_together() {
    let memcached = Memcached::start().await;
    let config = config(&memcached);
    let [a, b] = [0, 1].map(|_| process(&config));
    let row = Row::taking(Duration::from_millis(200));
    let names: Vec<String> = (0..20).map(|i| format!("k{i}")).collect();
    let first = join_all(names.iter().map(|name| get(&a, name, &row)));
    let second = async {
        eventually("all are being loaded", async || row.loads() == 20).await;
        let keys: Vec<_> = names.iter().map(|name| key(name)).collect();
        let never = |_| async { panic!("others load them") };
        let read: Result<_, cache::LoadError<std::convert::Infallible>> =
            b.get_many_or_load(&keys, &any(), never).await;
        read.unwrap()
    };
    let (_, read) = tokio::time::timeout(BOUND, futures::future::join(first, second)).await.unwrap();
    assert!(read.iter().all(|cached| cached.source == Source::Cache));
    assert_eq!((row.loads(), read.len()), (20, 20));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_goes_does_not_end_the_load_of_the_others() {
    let memcached = Memcached::start().await;
    let cache = process(&config(&memcached));
    let row = Row::new();
    row.shut();
    let first = tokio::spawn({
        let (cache, row) = (cache.clone(), row.clone());
        async move { get(&cache, "a", &row).await }
    });
    eventually("it is being loaded", async || row.loads() == 1).await;
    let second = tokio::spawn({
        let (cache, row) = (cache.clone(), row.clone());
        async move { get(&cache, "a", &row).await }
    });
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    row.open();
    assert_ne!(second.await.unwrap().source, Source::Loaded);
    eventually("it is stored", async || cached(&cache, "a").await.is_some()).await;
    assert_eq!(row.loads(), 1);
}

//! Taking, waiting, giving back.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use futures::FutureExt;
use local::testing::{self, Pauses};
use locks::{Keys, LockError, Locks, Request, Strategy};
use tokio::task::JoinSet;

use crate::stage::{TTL, cluster, command, config, eventually, lock, locked, process, soon};

#[tokio::test(flavor = "multi_thread")]
async fn many_keys_are_taken_at_once_or_not_at_all() {
    let (redis, cluster) = (testing::private_redis().await, cluster().await);
    let [a, b] = [0, 1].map(|_| process(&redis, Strategy::RedisFenced, &cluster));
    let many = Keys::new((0..1_000).map(|i| format!("sku {i}"))).unwrap();
    let one = lock(&a, "sku 700").await;
    let refused = b.try_lock(&many, soon()).await;
    assert!(matches!(&refused, Err(LockError::Busy { at: Some(key), .. }) if key == "sku 700"), "{refused:?}");
    assert_eq!(locked(&redis).await, 1, "what was taken on the way is given back at once");
    assert!(one.release().await.held);
    let guard = b.try_lock(&many, soon()).await.unwrap();
    assert_eq!(locked(&redis).await, 1_000);
    assert!(matches!(a.try_lock(&Keys::one("sku 3"), soon()).await, Err(LockError::Busy { .. })));
    assert!(guard.release().await.held);
    assert_eq!(locked(&redis).await, 0);
}

/// Two processes, many tasks, overlapping sets of keys: nobody has a key that another has, and all have their turn.
#[tokio::test(flavor = "multi_thread")]
async fn holders_never_overlap() {
    let (redis, cluster) = (testing::private_redis().await, cluster().await);
    let processes = [0, 1].map(|_| process(&redis, Strategy::RedisFenced, &cluster));
    let held: Arc<Mutex<BTreeSet<u32>>> = Arc::default();
    let mut tasks = JoinSet::new();
    for task in 0..16u32 {
        let (locks, held) = (processes[task as usize % 2].clone(), Arc::clone(&held));
        tasks.spawn(async move {
            for turn in 0..25 {
                let set: BTreeSet<u32> = [task % 5, (task + turn) % 5, turn % 3].into();
                let keys = Keys::new(set.iter().map(u32::to_string)).unwrap();
                let guard = locks.lock(&keys, soon()).await.unwrap();
                assert!(set.iter().all(|key| held.lock().unwrap().insert(*key)), "{set:?} is held by another");
                tokio::task::yield_now().await;
                held.lock().unwrap().retain(|key| !set.contains(key));
                if turn % 2 == 0 { drop(guard) } else { assert!(guard.release().await.held) }
            }
        });
    }
    tasks.join_all().await;
    eventually("all is given back", async || locked(&redis).await == 0).await;
}

/// Handed over from process to process, 20,000 times. A wake-up that is lost costs the 200 ms until one asks again by
/// itself; a machine that is busy with other things may cost as much now and then, and then to all at once.
#[tokio::test(flavor = "multi_thread")]
async fn no_wake_up_is_lost() {
    const TASKS: u64 = 9;
    const TIMES: u64 = 20_000;
    let (redis, cluster) = (testing::private_redis().await, cluster().await);
    let processes = [0, 1, 2].map(|_| {
        let config = locks::Config { ttl: Duration::from_secs(60), ..config(&redis) };
        Locks::fixed(config, Strategy::RedisFenced, Some(cluster.clone())).unwrap()
    });
    let (left, slow) = (Arc::new(AtomicU64::new(TIMES)), Arc::new(AtomicU64::new(0)));
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let locks = processes[task as usize % 3].clone();
        let (left, slow) = (Arc::clone(&left), Arc::clone(&slow));
        tasks.spawn(async move {
            let one_less = |left: u64| left.checked_sub(1);
            while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok() {
                let begun = Instant::now();
                drop(lock(&locks, "a").await);
                slow.fetch_add(u64::from(begun.elapsed() > Duration::from_millis(200)), Ordering::Relaxed);
            }
        });
    }
    tasks.join_all().await;
    let slow = slow.load(Ordering::Relaxed);
    assert!(slow < TIMES / 100, "{slow} of {TIMES} waits were longer than 200 ms");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_that_dies_costs_one_time_to_live() {
    let (redis, cluster) = (testing::private_redis().await, cluster().await);
    let survivor = process(&redis, Strategy::RedisFenced, &cluster);
    // A runtime that ends takes the watchdog with it, and nothing is given back.
    let dead = process(&redis, Strategy::RedisFenced, &cluster);
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let guard = runtime.block_on(lock(&dead, "a"));
        drop(runtime);
        std::mem::forget((guard, dead));
    })
    .join()
    .unwrap();
    let (begun, pauses) = (Instant::now(), Pauses::watch());
    let _guard = lock(&survivor, "a").await;
    assert!(begun.elapsed() < TTL + TTL / 2 + pauses.allowance(), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_keeps_it_for_as_long_as_it_works() {
    let (redis, cluster) = (testing::private_redis().await, cluster().await);
    let [a, b] = [0, 1].map(|_| process(&redis, Strategy::RedisFenced, &cluster));
    let guard = lock(&a, "a").await;
    let refused = b.lock(&Keys::one("a"), Request::within(3 * TTL)).await.unwrap_err();
    assert!(matches!(refused, LockError::TimedOut { last: None, .. }), "{refused}");
    assert!(guard.check().is_ok() && guard.lost().now_or_never().is_none());
    assert!(guard.release().await.held);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_is_told_when_another_has_taken_it_away() {
    let (redis, cluster) = (testing::private_redis().await, cluster().await);
    let locks = process(&redis, Strategy::Redis, &cluster);
    let guard = lock(&locks, "a").await;
    command(&redis, "SET plumbline:locks:key:a another").await;
    guard.lost().await;
    assert!(guard.check().is_err());
    assert!(!guard.release().await.held);
    let left: String = redis::from_redis_value(command(&redis, "GET plumbline:locks:key:a").await).unwrap();
    assert_eq!(left, "another", "only its owner gives a key back");
}

/// Judged from when the command was sent: a server that is paused can't be asked.
#[tokio::test(flavor = "multi_thread")]
async fn a_holder_is_told_before_its_time_is_over_when_the_server_is_silent() {
    let (redis, cluster) = (testing::private_redis().await, cluster().await);
    let locks = process(&redis, Strategy::RedisFenced, &cluster);
    let guard = lock(&locks, "a").await;
    redis.pause();
    let (paused, pauses) = (Instant::now(), Pauses::watch());
    guard.lost().await;
    assert!(paused.elapsed() < TTL + pauses.allowance(), "{:?}", paused.elapsed());
    redis.resume();
    drop(guard);
    lock(&locks, "a").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_gives_up_leaves_nothing_behind() {
    let (redis, cluster) = (testing::private_redis().await, cluster().await);
    let [a, b] = [0, 1].map(|_| process(&redis, Strategy::RedisFenced, &cluster));
    let given_up = Arc::new(AtomicU32::new(0));
    let mut tasks = JoinSet::new();
    for task in 0..40u64 {
        let (locks, given_up) = (if task % 2 == 0 { a.clone() } else { b.clone() }, Arc::clone(&given_up));
        tasks.spawn(async move {
            for turn in 0..20 {
                // From nothing to about a round trip: dropped before, while and after it is taken.
                let patience = Duration::from_micros((task * 37 + turn * 91) % 1_500);
                let key = Keys::one("a");
                let wanted = locks.lock(&key, soon());
                if tokio::time::timeout(patience, wanted).await.is_err() {
                    given_up.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
    }
    tasks.join_all().await;
    assert!(given_up.load(Ordering::Relaxed) > 0);
    eventually("all is given back", async || locked(&redis).await == 0).await;
    for locks in [a, b] {
        assert!(lock(&locks, "a").await.release().await.held, "nobody is queued");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn strategies_that_take_nothing_say_so() {
    let (redis, cluster) = (testing::private_redis().await, cluster().await);
    for strategy in [Strategy::None, Strategy::Database] {
        let locks = process(&redis, strategy, &cluster);
        let [a, b] = [lock(&locks, "a").await, lock(&locks, "a").await];
        assert_eq!((a.strategy(), a.token(), b.check()), (strategy, None, Ok(())));
        assert!(a.release().await.held);
    }
    assert_eq!(locked(&redis).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_is_had_again_after_the_server_has_come_back() {
    let (redis, cluster) = (testing::private_redis().await, cluster().await);
    let locks = process(&redis, Strategy::Redis, &cluster);
    lock(&locks, "a").await.release().await;
    redis.kill().await;
    let fault = locks.try_lock(&Keys::one("a"), soon()).await.unwrap_err();
    assert!(matches!(fault, LockError::Fault { .. }), "{fault}");
    let timed_out = locks.lock(&Keys::one("a"), Request::within(Duration::from_millis(200))).await.unwrap_err();
    assert!(matches!(timed_out, LockError::TimedOut { last: Some(_), .. }), "{timed_out}");
    let (guard, ()) = tokio::join!(lock(&locks, "a"), redis.restart());
    assert!(guard.release().await.held);
}

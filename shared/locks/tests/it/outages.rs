//! Whoever gives up can tell a queue from an outage.

use std::time::Duration;

use coordination::Cluster;
use local::testing;
use locks::{Config, Fault, Keys, LockError, Locks, Request, Strategy};

use crate::stage::{BOUND, cluster, config, lock, process, soon};
use crate::switching::{member, set};

async fn within(locks: &Locks, key: &str, wait: Duration) -> LockError {
    locks.lock(&Keys::one(key), Request::within(wait)).await.unwrap_err()
}

fn last(error: &LockError) -> Option<&Fault> {
    match error {
        LockError::TimedOut { last, .. } => last.as_deref(),
        _ => panic!("{error} is no time-out"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_is_none() {
    let (redis, cluster) = (testing::private_redis().await, cluster().await);
    for strategy in [Strategy::Redis, Strategy::RedisFenced, Strategy::Coordination] {
        let [a, b] = [0, 1].map(|_| process(&redis, strategy, &cluster));
        let _held = lock(&a, "a").await;
        for locks in [&a, &b] {
            let error = within(locks, "a", Duration::from_millis(300)).await;
            assert!(last(&error).is_none() && !error.is_outage(), "{strategy}: {error}");
        }
        let busy = b.try_lock(&Keys::one("a"), soon()).await.unwrap_err();
        assert!(!busy.is_outage(), "{busy}");
    }
}

/// Who waits behind another in the same process is told what that one found, and only while it lasts.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_gone_is_one_for_all_who_wait() {
    let (redis, cluster) = (testing::private_redis().await, cluster().await);
    let locks = process(&redis, Strategy::RedisFenced, &cluster);
    lock(&locks, "a").await.release().await;
    redis.kill().await;
    let wait = Duration::from_millis(500);
    let (head, behind) = tokio::join!(within(&locks, "a", wait), within(&locks, "a", wait));
    for error in [head, behind] {
        assert!(matches!(last(&error), Some(Fault::Server(_))) && error.is_outage(), "{error}");
    }
    // Of a key that nobody here is just giving up.
    let fault = locks.try_lock(&Keys::one("b"), soon()).await.unwrap_err();
    assert!(fault.is_outage(), "{fault}");
    redis.restart().await;
    let other = process(&redis, Strategy::RedisFenced, &cluster);
    let _held = lock(&other, "a").await;
    let error = within(&locks, "a", wait).await;
    assert!(!error.is_outage(), "{error}");
}

/// It carries out what it was sent when it goes on, and whoever sent that has given up or asked again.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_takes_for_nobody_once_it_goes_on_is_given_back() {
    let (redis, cluster) = (testing::private_redis().await, cluster().await);
    for strategy in [Strategy::Redis, Strategy::RedisFenced] {
        let config = Config { ttl: BOUND * 10, ..config(&redis) };
        let [waits, goes, comes] =
            [0, 1, 2].map(|_| Locks::fixed(config.clone(), strategy, Some(cluster.clone())).unwrap());
        for locks in [&waits, &goes, &comes] {
            lock(locks, "a").await.release().await;
        }
        redis.pause();
        let gone = tokio::time::timeout(Duration::from_millis(50), lock(&goes, "b")).await;
        assert!(gone.is_err(), "a server that stands still has answered");
        let error = within(&waits, "a", Duration::from_secs(1)).await;
        assert!(error.is_outage(), "{error}");
        redis.resume();
        for key in ["a", "b"] {
            assert!(lock(&comes, key).await.release().await.held, "{strategy}: {key}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_is_none() {
    let redis = testing::private_redis().await;
    let missing = Locks::fixed(config(&redis), Strategy::RedisFenced, None).unwrap();
    let error = missing.lock(&Keys::one("a"), soon()).await.unwrap_err();
    assert!(matches!(error, LockError::Fault { .. }) && !error.is_outage(), "{error}");
}

/// Redis is there, but empty, and nobody can give it an epoch; or the lock is the coordinators' own.
#[tokio::test(flavor = "multi_thread")]
async fn coordinators_that_are_gone_are_one() {
    let coordinators = testing::private_coordinators(1).await;
    let settings = coordination::Config::new(coordinators.endpoints(), "test");
    let settings = coordination::Config { request_timeout: Duration::from_millis(200), patience: BOUND, ..settings };
    let cluster = Cluster::new(settings).unwrap();
    let redis = testing::private_redis().await;
    coordinators.pause(0);
    for strategy in [Strategy::RedisFenced, Strategy::Coordination] {
        let locks = Locks::fixed(Config { ttl: BOUND, ..config(&redis) }, strategy, Some(cluster.clone())).unwrap();
        let error = within(&locks, "a", Duration::from_secs(1)).await;
        assert!(error.is_outage(), "{strategy}: {error}");
        assert!(matches!(last(&error), Some(Fault::NoEpoch | Fault::Epoch(_) | Fault::Unreachable)), "{error}");
    }
    coordinators.resume(0);
    coordinators.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_that_goes_on_is_one() {
    let (redis, cluster) = (testing::private_redis().await, cluster().await);
    let [(a, _follower), (b, _other)] = [member(&redis, &cluster), member(&redis, &cluster)];
    let _held = lock(&a, "x").await;
    lock(&b, "y").await;
    set(&cluster, Strategy::Redis).await;
    crate::stage::eventually("the other has stopped", async || b.try_lock(&Keys::one("y"), soon()).await.is_err())
        .await;
    let error = within(&b, "y", Duration::from_millis(100)).await;
    assert!(matches!(last(&error), Some(Fault::Switching)) && error.is_outage(), "{error}");
}

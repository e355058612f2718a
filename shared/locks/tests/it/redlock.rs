//! Most of several servers.

use futures::FutureExt;
use local::testing::{self, PrivateRedis};
use locks::{Config, Keys, LockError, Locks, Request, Strategy};

use crate::stage::{TTL, config, eventually, lock, locked, soon};

async fn stage() -> (Vec<PrivateRedis>, [Locks; 2]) {
    let mut servers = Vec::new();
    for _ in 0..3 {
        servers.push(testing::private_redis().await);
    }
    let redlock: Vec<String> = servers.iter().map(PrivateRedis::url).collect();
    let config = Config { redlock, ..config(&servers[0]) };
    let processes = [0, 1].map(|_| Locks::fixed(config.clone(), Strategy::Redlock, None).unwrap());
    (servers, processes)
}

#[tokio::test(flavor = "multi_thread")]
async fn most_servers_are_enough_and_fewer_are_not() {
    let (servers, [a, b]) = stage().await;
    let guard = lock(&a, "a").await;
    assert_eq!(guard.token(), None);
    assert!(matches!(b.try_lock(&Keys::one("a"), soon()).await, Err(LockError::Busy { .. })));
    assert!(guard.release().await.held);
    servers[0].kill().await;
    let guard = lock(&b, "a").await;
    assert!(matches!(a.try_lock(&Keys::one("a"), soon()).await, Err(LockError::Busy { .. })));
    assert_eq!((locked(&servers[1]).await, locked(&servers[2]).await), (1, 1));
    servers[1].pause();
    guard.lost().await;
    let refused = a.lock(&Keys::one("a"), Request::within(TTL)).await.unwrap_err();
    assert!(matches!(refused, LockError::TimedOut { last: Some(_), .. }), "{refused}");
    servers[1].resume();
    drop(guard);
    drop(lock(&a, "a").await);
    eventually("all is given back", async || locked(&servers[1]).await + locked(&servers[2]).await == 0).await;
}

/// Its watchdog asks most of them for more time, whichever they are.
#[tokio::test(flavor = "multi_thread")]
async fn a_holder_keeps_it_for_as_long_as_it_works_while_most_servers_do() {
    let (servers, [a, b]) = stage().await;
    let guard = lock(&a, "a").await;
    let refused = b.lock(&Keys::one("a"), Request::within(2 * TTL)).await.unwrap_err();
    assert!(matches!(refused, LockError::TimedOut { last: None, .. }), "{refused}");
    servers[2].kill().await;
    let refused = b.lock(&Keys::one("a"), Request::within(2 * TTL)).await.unwrap_err();
    assert!(!refused.is_outage() && guard.check().is_ok(), "{refused}");
    servers[2].restart().await;
    assert!(guard.check().is_ok() && guard.lost().now_or_never().is_none());
    assert!(guard.release().await.held);
    lock(&b, "a").await;
}

/// Its limit: a server that forgets, while most others still know, is enough where the holder had only just most of them.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_forgets_lets_two_in() {
    let (servers, [a, b]) = stage().await;
    servers[2].kill().await;
    let first = lock(&a, "a").await;
    servers[1].kill().await;
    servers[1].restart().await;
    servers[2].restart().await;
    let second = b.try_lock(&Keys::one("a"), soon()).await.unwrap();
    assert!(second.check().is_ok());
    drop(first);
}

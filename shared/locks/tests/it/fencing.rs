//! Tokens grow, whatever Redis loses.

use std::sync::Arc;

use local::testing::{self, PrivateRedis};
use locks::{Locks, Strategy, Token};

use crate::{
    resource::{Resource, Superseded},
    stage::{cluster, command, connection, eventually, lock, process},
};

/// Takes a lock and gives it back; its token.
async fn token(locks: &Locks) -> Token {
    let guard = lock(locks, "a").await;
    let token = guard.token().unwrap();
    guard.release().await;
    token
}

/// Two processes, and both have taken before anything happens.
async fn stage() -> (PrivateRedis, Locks, Locks, Token) {
    let (redis, cluster) = (testing::private_redis().await, cluster().await);
    let [a, b] = [0, 1].map(|_| process(&redis, Strategy::RedisFenced, &cluster));
    let mut last = Token::ZERO;
    for locks in [&a, &b, &a, &b] {
        let token = token(locks).await;
        assert!(token > last);
        last = token;
    }
    (redis, a, b, last)
}

async fn assert_grows(processes: [&Locks; 2], after: Token) {
    let first = token(processes[0]).await;
    let second = token(processes[1]).await;
    assert!(after < first && first < second, "{after}, then {first} and {second}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_server_process_has_one_epoch() {
    let (_redis, a, b, last) = stage().await;
    let next = token(&a).await;
    assert_eq!((next.epoch(), next.counter()), (last.epoch(), last.counter() + 1));
    assert_eq!(token(&b).await.epoch(), last.epoch());
}

/// A holder stands still past its time while another takes over, and then goes on with what it had read.
///
/// It has a thread and a runtime of its own, which stand still with it, watchdog and all.
async fn pause_past_the_end(strategy: Strategy) -> (Result<(), Superseded>, i64) {
    let (redis, cluster) = (testing::private_redis().await, cluster().await);
    let [a, b] = [0, 1].map(|_| process(&redis, strategy, &cluster));
    let resource = Arc::new(Resource::with(10));
    let (locked, has_locked) = tokio::sync::oneshot::channel();
    let (go_on, may_go_on) = std::sync::mpsc::channel();
    let theirs = Arc::clone(&resource);
    let paused = std::thread::spawn(move || {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
            let guard = lock(&a, "a").await;
            let read = theirs.stock();
            // A check says nothing of the next moment.
            guard.check().unwrap();
            locked.send(()).unwrap();
            may_go_on.recv().unwrap();
            let stored = theirs.store(read - 1, guard.token());
            assert!(guard.check().is_err() && !guard.release().await.held);
            stored
        })
    });
    has_locked.await.unwrap();
    let other = lock(&b, "a").await;
    resource.store(resource.stock() - 1, other.token()).unwrap();
    go_on.send(()).unwrap();
    let stored = tokio::task::spawn_blocking(|| paused.join().unwrap()).await.unwrap();
    (stored, resource.stock())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_holder_is_refused_where_there_is_a_token() {
    assert_eq!(pause_past_the_end(Strategy::RedisFenced).await, (Err(Superseded), 9));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_holder_overwrites_where_there_is_none() {
    let (stored, stock) = pause_past_the_end(Strategy::Redis).await;
    assert_eq!((stored, stock), (Ok(()), 9), "two have sold one each of 10, and 9 are left");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_and_restarted_empty() {
    let (redis, a, b, last) = stage().await;
    redis.kill().await;
    redis.restart().await;
    assert_grows([&a, &b], last).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn restored_from_an_older_dump() {
    let (redis, a, b, _) = stage().await;
    command(&redis, "SAVE").await;
    let mut last = Token::ZERO;
    for _ in 0..20 {
        last = token(&a).await;
    }
    redis.kill().await;
    redis.restart().await;
    let fence: u32 = redis::from_redis_value(command(&redis, "EXISTS plumbline:locks:fence").await).unwrap();
    assert_eq!(fence, 1, "the older fence is there again");
    assert_grows([&b, &a], last).await;
}

/// The same where a holder has its lock throughout, which is in the dump too.
#[tokio::test(flavor = "multi_thread")]
async fn restored_with_a_lock_in_the_dump() {
    let (redis, a, b, _) = stage().await;
    let guard = lock(&a, "a").await;
    command(&redis, "SAVE").await;
    redis.kill().await;
    redis.restart().await;
    let last = guard.token().unwrap();
    drop(guard);
    assert_grows([&b, &a], last).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn flushed_while_held() {
    for flush in ["FLUSHALL", "FLUSHDB ASYNC"] {
        let (redis, a, b, _) = stage().await;
        let held = lock(&a, "a").await;
        command(&redis, flush).await;
        let other = lock(&b, "a").await;
        assert!(other.token() > held.token(), "{:?} after {:?}", other.token(), held.token());
        held.lost().await;
        assert!(!held.release().await.held);
        let last = other.token().unwrap();
        other.release().await;
        assert_grows([&a, &b], last).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn evicted() {
    let (redis, a, b, last) = stage().await;
    command(&redis, "DEL plumbline:locks:fence").await;
    assert_grows([&a, &b], last).await;
}

/// The replica has missed what was given last, and is promoted behind the master's address (here: the master goes over to
/// its data, as a load balancer or a name that moves would do).
#[tokio::test(flavor = "multi_thread")]
async fn a_stale_replica_is_promoted() {
    let (master, cluster) = (testing::private_redis().await, cluster().await);
    let replica = testing::private_redis().await;
    let [a, b] = [0, 1].map(|_| process(&master, Strategy::RedisFenced, &cluster));
    let [c, d] = [0, 1].map(|_| process(&replica, Strategy::RedisFenced, &cluster));
    token(&a).await;
    replica.follow(&master).await;
    // Cut off: it keeps what it has, and the master goes on.
    command(&replica, "REPLICAOF 127.0.0.1 1").await;
    token(&a).await;
    let last = token(&b).await;
    replica.lead().await;
    assert_grows([&c, &d], last).await;
}

/// A master becomes a replica of data that are older than its own, and a master again: always the same process, and the same
/// connections.
#[tokio::test(flavor = "multi_thread")]
async fn a_master_takes_over_a_stale_replicas_data() {
    let (redis, a, b, _) = stage().await;
    let stale = testing::private_redis().await;
    stale.follow(&redis).await;
    stale.lead().await;
    token(&a).await;
    let last = token(&b).await;
    redis.follow(&stale).await;
    redis.lead().await;
    assert_grows([&a, &b], last).await;
}

/// A replica that loses its connection for a moment goes on where it was (partial resynchronization), and is promoted.
#[tokio::test(flavor = "multi_thread")]
async fn a_replica_is_promoted_after_a_partial_resynchronization() {
    let (master, cluster) = (testing::private_redis().await, cluster().await);
    let replica = testing::private_redis().await;
    let a = process(&master, Strategy::RedisFenced, &cluster);
    let [c, d] = [0, 1].map(|_| process(&replica, Strategy::RedisFenced, &cluster));
    replica.follow(&master).await;
    token(&a).await;
    command(&master, "CLIENT KILL TYPE replica").await;
    let last = token(&a).await;
    eventually("a partial resynchronization", async || {
        let info: String = redis::from_redis_value(command(&master, "INFO stats").await).unwrap();
        info.contains("sync_partial_ok:1")
    })
    .await;
    replica.lead().await;
    assert_grows([&c, &d], last).await;
}

/// A process that has had tokens of one server's process goes on with another whose epoch is older.
#[tokio::test(flavor = "multi_thread")]
async fn an_old_master_comes_back() {
    let (_redis, a, b, _) = stage().await;
    // What a resource tells that has seen a greater token; here one that these coordinators can't have given.
    a.observe(Token::new(1_000, 0).unwrap());
    let refused = a.try_lock(&locks::Keys::one("a"), crate::stage::soon()).await.unwrap_err();
    assert!(refused.to_string().contains("lost data"), "{refused}");
    let seen = token(&b).await;
    let newer = Token::new(seen.epoch(), seen.counter() + 100).unwrap();
    b.observe(newer);
    assert!(token(&b).await > newer, "a new epoch, as this one is behind");
}

/// Two who find no epoch, one of them slow: its number was drawn first, and must not come after the other's.
#[tokio::test(flavor = "multi_thread")]
async fn a_claim_that_was_lost_begins_nothing() {
    let (redis, a, b, _) = stage().await;
    let mut connection = connection(&redis).await;
    for _ in 0..30 {
        let (first, second, ()) = tokio::join!(token(&a), token(&b), async {
            let _: () = redis::cmd("FLUSHALL").query_async(&mut connection).await.unwrap();
        });
        assert_ne!(first, second);
        let later = token(&a).await;
        assert!(later > first.max(second), "{later} after {first} and {second}");
    }
}

//! What the tests have in common.

use std::time::Duration;

use coordination::Cluster;
pub(crate) use local::testing::eventually;
use local::testing::{self, PrivateRedis};
use locks::{Config, Guard, Keys, Locks, Request, Strategy};

/// How long anything may take that does not have to wait.
pub(crate) const BOUND: Duration = Duration::from_secs(30);
/// A time to live that a test can wait for.
pub(crate) const TTL: Duration = Duration::from_millis(600);

/// The shared coordinators, with keys that no other test has.
pub(crate) async fn cluster() -> Cluster {
    let config = coordination::Config::new(testing::coordinators().await.endpoints(), testing::prefix());
    Cluster::new(coordination::Config { patience: BOUND, ..config }).unwrap()
}

pub(crate) fn config(redis: &PrivateRedis) -> Config {
    config_at(&redis.url())
}

pub(crate) fn config_at(url: &str) -> Config {
    Config { ttl: TTL, patience: Duration::from_millis(300), ..Config::new(url) }
}

/// What a process has: queue and connections of its own.
pub(crate) fn process(redis: &PrivateRedis, strategy: Strategy, cluster: &Cluster) -> Locks {
    Locks::fixed(config(redis), strategy, Some(cluster.clone())).unwrap()
}

pub(crate) fn soon() -> Request {
    Request::within(BOUND)
}

pub(crate) async fn lock(locks: &Locks, key: &str) -> Guard {
    locks.lock(&Keys::one(key), soon()).await.unwrap()
}

/// A connection for what a test does to the server by itself.
pub(crate) async fn connection(redis: &PrivateRedis) -> redis::aio::MultiplexedConnection {
    redis::Client::open(redis.url()).unwrap().get_multiplexed_async_connection().await.unwrap()
}

/// Runs a command of a few words.
pub(crate) async fn command(redis: &PrivateRedis, words: &str) -> redis::Value {
    let mut words = words.split(' ');
    let mut command = redis::cmd(words.next().unwrap());
    for word in words {
        command.arg(word);
    }
    command.query_async(&mut connection(redis).await).await.unwrap()
}

/// How many keys are locked there.
pub(crate) async fn locked(redis: &PrivateRedis) -> usize {
    let keys: Vec<String> = redis::from_redis_value(command(redis, "KEYS plumbline:locks:key:*").await).unwrap();
    keys.len()
}

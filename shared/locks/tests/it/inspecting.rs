//! Who holds what.

use std::time::{Duration, SystemTime};

use local::testing::{self, PrivateRedis};
use locks::{
    Config, Keys, Locks, Request, Strategy,
    inspect::{self, Held},
};

use crate::stage::{BOUND, TTL, cluster, config, eventually, soon};

fn named(holder: &str, redis: &PrivateRedis, redlock: &[PrivateRedis]) -> Config {
    let redlock = redlock.iter().map(PrivateRedis::url).collect();
    Config { holder: holder.to_owned(), ttl: BOUND, redlock, ..config(redis) }
}

/// What is the same of all keys here.
fn assert_lasts(held: &[Held]) {
    for held in held {
        assert!(held.left.unwrap() <= BOUND && held.left.unwrap() > Duration::from_secs(1), "{held:?}");
        assert!(held.since.unwrap().elapsed().unwrap_or_default() < BOUND, "{held:?}");
        assert!(held.since.unwrap() <= SystemTime::now() + TTL, "{held:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_place_says_who_holds_what() {
    let (redis, cluster) = (testing::private_redis().await, cluster().await);
    let servers = [testing::private_redis().await, testing::private_redis().await, testing::private_redis().await];
    let config = named("inventory-1", &redis, &servers);
    let take = async |strategy, keys: &[&str]| {
        let locks = Locks::fixed(config.clone(), strategy, Some(cluster.clone())).unwrap();
        locks.lock(&Keys::new(keys.iter().copied()).unwrap(), soon()).await.unwrap()
    };
    let fenced = take(Strategy::RedisFenced, &["b", "a b"]).await;
    let plain = take(Strategy::Redis, &["*"]).await;
    let _redlock = take(Strategy::Redlock, &["c"]).await;
    let _coordination = take(Strategy::Coordination, &["d e"]).await;
    servers[1].kill().await;
    let found = inspect::held(&config, Some(&cluster)).await.unwrap();
    assert_lasts(&found.held);
    let shown = |held: &Held| (held.strategy, held.place.clone(), held.key.clone(), held.token);
    let at = |server: &PrivateRedis| format!("127.0.0.1:{}", server.port());
    assert_eq!(
        found.held.iter().map(shown).collect::<Vec<_>>(),
        [
            (Strategy::Redis, at(&redis), "*".to_owned(), None),
            (Strategy::RedisFenced, at(&redis), "a b".to_owned(), fenced.token()),
            (Strategy::RedisFenced, at(&redis), "b".to_owned(), fenced.token()),
            (Strategy::Redlock, at(&servers[0]), "c".to_owned(), None),
            (Strategy::Redlock, at(&servers[2]), "c".to_owned(), None),
            (Strategy::Coordination, "coordinators".to_owned(), "d e".to_owned(), None),
        ]
    );
    assert!(found.held.iter().all(|held| held.holder == "inventory-1" && held.waiting.is_empty()));
    let silent: Vec<_> = found.silent.iter().map(|(place, _)| place.clone()).collect();
    assert_eq!(silent, [at(&servers[1])]);
    fenced.release().await;
    plain.release().await;
    let found = inspect::held(&config, None).await.unwrap();
    assert!(found.held.iter().all(|held| held.strategy == Strategy::Redlock), "{:?}", found.held);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_is_shown() {
    let (redis, cluster) = (testing::private_redis().await, cluster().await);
    for strategy in [Strategy::Redis, Strategy::RedisFenced, Strategy::Coordination] {
        let process = |holder| {
            let config = named(holder, &redis, &[]);
            Locks::fixed(config, strategy, Some(cluster.clone())).unwrap()
        };
        let guard = process("first").lock(&Keys::one("a"), soon()).await.unwrap();
        let second = process("second");
        let waiting = tokio::spawn(async move { second.lock(&Keys::one("a"), Request::within(BOUND)).await });
        let config = named("who looks", &redis, &[]);
        let shown = async || {
            let found = inspect::held(&config, Some(&cluster)).await.unwrap();
            found.held.into_iter().map(|held| (held.holder, held.waiting)).collect::<Vec<_>>()
        };
        let expected = [("first".to_owned(), vec!["second".to_owned()])];
        eventually("the second is seen to wait", async || shown().await == expected).await;
        guard.release().await;
        let second = waiting.await.unwrap().unwrap();
        eventually("the second has it", async || shown().await == [("second".to_owned(), Vec::new())]).await;
        second.release().await;
    }
}

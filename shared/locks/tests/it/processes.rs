//! Holders and waiters in processes of their own, which are killed and stopped.

use std::time::{Duration, Instant};

use local::{
    process::Signal,
    testing::{self, Child, Pauses},
};
use locks::{Keys, Request, Strategy, Token, inspect};

use crate::{
    child,
    resource::{Resource, Superseded},
    stage::{BOUND, TTL, cluster, config, eventually, lock, process, soon},
};

async fn takes(child: &mut Child) -> Option<Token> {
    child.tell("take").await;
    assert_eq!(child.says().await, "takes");
    Token::from_i128(child.says().await.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_that_is_killed_costs_one_time_to_live() {
    let (redis, cluster) = (testing::private_redis().await, cluster().await);
    let survivor = process(&redis, Strategy::RedisFenced, &cluster);
    let mut holder = child::holder(&redis.url(), Strategy::RedisFenced, &cluster);
    assert_eq!(holder.says().await, "ready");
    let given = takes(&mut holder).await.unwrap();
    let waiting = tokio::spawn(async move { lock(&survivor, "a").await });
    let config = config(&redis);
    eventually("it waits", async || !inspect::held(&config, None).await.unwrap().held[0].waiting.is_empty()).await;
    let pauses = Pauses::watch();
    holder.crash().await;
    let killed = Instant::now();
    let guard = waiting.await.unwrap();
    assert!(killed.elapsed() < TTL + TTL / 2 + pauses.allowance(), "{:?}", killed.elapsed());
    assert!(guard.token().unwrap() > given);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_that_is_stopped_past_its_time_is_refused() {
    let (redis, cluster) = (testing::private_redis().await, cluster().await);
    let other = process(&redis, Strategy::RedisFenced, &cluster);
    let resource = Resource::with(10);
    let mut holder = child::holder(&redis.url(), Strategy::RedisFenced, &cluster);
    assert_eq!(holder.says().await, "ready");
    let late = takes(&mut holder).await;
    holder.tell("check").await;
    assert_eq!(holder.says().await, "held");
    let read = resource.stock();
    holder.signal(Signal::SIGSTOP);
    let guard = lock(&other, "a").await;
    resource.store(resource.stock() - 1, guard.token()).unwrap();
    guard.release().await;
    holder.signal(Signal::SIGCONT);
    holder.tell("check").await;
    assert_eq!(holder.says().await, "lost", "its watchdog slept with it");
    assert_eq!((resource.store(read - 1, late), resource.stock()), (Err(Superseded), 9));
    holder.tell("release").await;
    assert_eq!(holder.says().await, "lost");
    assert!(lock(&other, "a").await.release().await.held, "it has given nothing back that is another's");
}

/// Who is first in line ends, or stands still; those behind it go on.
#[tokio::test(flavor = "multi_thread")]
async fn a_waiter_that_is_gone_delays_nobody_for_long() {
    let (redis, cluster) = (testing::private_redis().await, cluster().await);
    let config = config(&redis);
    let in_line = async |count: usize| {
        eventually("all wait", async || inspect::held(&config, None).await.unwrap().held[0].waiting.len() == count)
            .await;
    };
    for signal in [Signal::SIGKILL, Signal::SIGSTOP] {
        let [a, b] = [0, 1].map(|_| process(&redis, Strategy::Redis, &cluster));
        let guard = a.lock(&Keys::one("a"), Request::within(BOUND)).await.unwrap();
        let mut first = child::holder(&redis.url(), Strategy::Redis, &cluster);
        assert_eq!(first.says().await, "ready");
        first.tell("take").await;
        in_line(1).await;
        let second = tokio::spawn(async move { b.lock(&Keys::one("a"), soon()).await.unwrap() });
        in_line(2).await;
        if signal == Signal::SIGKILL {
            first.crash().await;
        } else {
            first.signal(signal);
        }
        let pauses = Pauses::watch();
        guard.release().await;
        let released = Instant::now();
        let guard = second.await.unwrap();
        // 600 ms until it counts as gone, 200 until the next one asks again.
        let bound = Duration::from_millis(1_500) + pauses.allowance();
        assert!(released.elapsed() < bound, "{signal}: {:?}", released.elapsed());
        assert!(guard.check().is_ok());
        if signal == Signal::SIGSTOP {
            first.signal(Signal::SIGCONT);
            guard.release().await;
            assert_eq!(first.says().await, "takes");
            assert_eq!(first.says().await, "0", "it comes back, and has its turn");
            first.tell("release").await;
            assert_eq!(first.says().await, "held");
        }
    }
}

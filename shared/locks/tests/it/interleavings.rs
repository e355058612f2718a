//! Random interleavings against a real server: what the model says of the scripts holds for the scripts.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use local::testing::{self, PrivateRedis};
use locks::{Keys, Request, Strategy, Token};
use rand::{Rng, SeedableRng, rngs::StdRng};
use tokio::task::JoinSet;

use crate::{
    resource::Resource,
    stage::{BOUND, cluster, command, process},
};

/// What befalls the server.
async fn befall(redis: &PrivateRedis, choice: u32, saved: &mut Option<Vec<u8>>) {
    match choice {
        0 => drop(command(redis, "FLUSHALL").await),
        1 => drop(command(redis, "DEL plumbline:locks:key:a").await),
        2 => drop(command(redis, "DEL plumbline:locks:fence").await),
        3 => drop(command(redis, "SCRIPT FLUSH").await),
        4 => drop(command(redis, "CLIENT KILL TYPE normal SKIPME yes").await),
        5 => {
            command(redis, "SAVE").await;
            *saved = redis.saved().ok();
        }
        6 | 7 => {
            redis.kill().await;
            redis.put_back(saved.as_deref().filter(|_| choice == 7)).unwrap();
            redis.restart().await;
        }
        _ => {
            redis.pause();
            tokio::task::yield_now().await;
            redis.resume();
        }
    }
}

/// Holders store by their tokens, some of them late; tokens are given in growing order, and what was stored grows too.
#[tokio::test(flavor = "multi_thread")]
async fn tokens_grow_whatever_happens() {
    let seed: u64 = std::env::var("LOCKS_SEED").map_or_else(|_| rand::random(), |seed| seed.parse().unwrap());
    println!("LOCKS_SEED={seed}");
    let (redis, cluster) = (testing::private_redis().await, cluster().await);
    let resource = Arc::new(Resource::with(0));
    // Given before this one was asked for: smaller.
    let given = Arc::new(std::sync::Mutex::new(Token::ZERO));
    let done = Arc::new(AtomicBool::new(false));
    let mut tasks = JoinSet::new();
    for task in 0..4u64 {
        let locks = process(&redis, Strategy::RedisFenced, &cluster);
        let (resource, given, done) = (Arc::clone(&resource), Arc::clone(&given), Arc::clone(&done));
        let mut random = StdRng::seed_from_u64(seed ^ task);
        tasks.spawn(async move {
            let mut taken = 0u32;
            while !done.load(Ordering::Relaxed) {
                let before = *given.lock().unwrap();
                let Ok(guard) = locks.lock(&Keys::one("a"), Request::within(BOUND)).await else { continue };
                let token = guard.token().unwrap();
                assert!(token > before, "seed {seed}: {token} after {before}");
                taken += 1;
                {
                    let mut given = given.lock().unwrap();
                    *given = token.max(*given);
                }
                for _ in 0..random.random_range(0..3) {
                    tokio::task::yield_now().await;
                }
                let _ = resource.store(0, Some(token));
                if random.random_bool(0.5) {
                    guard.release().await;
                }
            }
            taken
        });
    }
    let (mut random, mut saved) = (StdRng::seed_from_u64(seed), None);
    for _ in 0..40 {
        befall(&redis, random.random_range(0..9), &mut saved).await;
        let before = resource.stored().len();
        crate::stage::eventually("somebody has stored since", async || resource.stored().len() > before + 3).await;
    }
    done.store(true, Ordering::Relaxed);
    let taken: u32 = tasks.join_all().await.into_iter().sum();
    let stored = resource.stored();
    assert!(taken >= 160 && stored.is_sorted(), "seed {seed}");
}

//! Going over from one strategy to another while locks are taken.

use std::{
    collections::HashMap,
    fs::File,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use coordination::{
    Cluster, Name,
    settings::{self, Control, Follower},
};
use local::testing::{
    self, PrivateRedis,
    child::{say, told},
};
use locks::{Config, Guard, Keys, Locks, Strategy, Token};
use tokio::task::JoinSet;

use crate::{
    child,
    stage::{BOUND, cluster, config_at, eventually, lock, soon},
};

const STRATEGY: Name = Name::literal("inventory.lock-strategy");

/// A process: its own view of the setting, its own queue and connections.
pub(crate) fn member(redis: &PrivateRedis, cluster: &Cluster) -> (Locks, Follower) {
    member_at(&redis.url(), cluster)
}

fn member_at(url: &str, cluster: &Cluster) -> (Locks, Follower) {
    let mut definitions = settings::Definitions::new();
    let setting = definitions.define(STRATEGY, Strategy::setting(), "", "How stock is locked").unwrap();
    let config = Config { membership: Duration::from_secs(5), redlock: vec![url.to_owned()], ..config_at(url) };
    let follower = settings::follow(cluster, definitions);
    (Locks::following(config, setting, cluster.clone()).unwrap(), follower)
}

pub(crate) async fn set(cluster: &Cluster, strategy: Strategy) {
    let control = Control::new(cluster);
    eventually("the setting is defined", async || control.set(&STRATEGY, Some(strategy.word()), "test").await.is_ok())
        .await;
}

/// Who holds a key, and by which strategy.
#[derive(Default)]
struct Held(Mutex<HashMap<u32, (Strategy, u32)>>);

impl Held {
    fn enter(&self, key: u32, strategy: Strategy) {
        let mut held = self.0.lock().unwrap();
        let (other, count) = held.entry(key).or_insert((strategy, 0));
        assert!(*count == 0 || *other == strategy, "{strategy} and {other} guard {key} at once");
        let shares = matches!(strategy, Strategy::None | Strategy::Database);
        assert!(*count == 0 || shares, "{strategy} guards {key} twice");
        (*other, *count) = (strategy, *count + 1);
    }

    fn leave(&self, key: u32) {
        self.0.lock().unwrap().get_mut(&key).unwrap().1 -= 1;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn old_and_new_never_guard_a_key_at_once() {
    let (redis, cluster) = (testing::private_redis().await, cluster().await);
    let members = [member(&redis, &cluster), member(&redis, &cluster)];
    let (held, done) = (Arc::new(Held::default()), Arc::new(AtomicBool::new(false)));
    let mut tasks = JoinSet::new();
    for task in 0..6u32 {
        let (locks, held, done) = (members[task as usize % 2].0.clone(), Arc::clone(&held), Arc::clone(&done));
        tasks.spawn(async move {
            let mut last = Token::ZERO;
            while !done.load(Ordering::Relaxed) {
                let key = task % 2;
                let guard = locks.lock(&Keys::one(key.to_string()), soon()).await.unwrap();
                held.enter(key, guard.strategy());
                for _ in 0..20 {
                    tokio::task::yield_now().await;
                }
                held.leave(key);
                if let Some(token) = guard.token() {
                    assert!(token > last, "{token} after {last}, whatever was in force in between");
                    last = token;
                }
                drop(guard);
            }
        });
    }
    use Strategy::{Coordination, Database, None, Redis, RedisFenced, Redlock};
    for strategy in [Redis, Coordination, RedisFenced, None, RedisFenced, Database, Redlock, Coordination, RedisFenced]
    {
        set(&cluster, strategy).await;
        for (locks, _) in &members {
            eventually("it is in force", async || lock(locks, "probe").await.strategy() == strategy).await;
        }
    }
    done.store(true, Ordering::Relaxed);
    tasks.join_all().await;
}

/// A member that has not finished keeps the new strategy out everywhere.
#[tokio::test(flavor = "multi_thread")]
async fn a_holder_of_the_old_keeps_the_new_out() {
    let (redis, cluster) = (testing::private_redis().await, cluster().await);
    let [(a, _follower), (b, _other)] = [member(&redis, &cluster), member(&redis, &cluster)];
    let guard = lock(&a, "x").await;
    assert_eq!(guard.strategy(), Strategy::RedisFenced);
    lock(&b, "y").await;
    set(&cluster, Strategy::Database).await;
    eventually("the other has stopped", async || b.try_lock(&Keys::one("y"), soon()).await.is_err()).await;
    let waiting = tokio::spawn(async move { lock(&b, "x").await.strategy() });
    tokio::task::yield_now().await;
    assert!(guard.check().is_ok() && !waiting.is_finished());
    drop(guard);
    assert_eq!(tokio::time::timeout(BOUND, waiting).await.unwrap().unwrap(), Strategy::Database);
}

/// A member that no coordinator hears of any more has lost its locks before the others go on without it.
#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_is_cut_off_has_lost_its_locks() {
    let coordinators = testing::private_coordinators(1).await;
    let config =
        coordination::Config { patience: BOUND, ..coordination::Config::new(coordinators.endpoints(), "test") };
    let cluster = Cluster::new(config).unwrap();
    let redis = testing::private_redis().await;
    let (locks, _follower) = member(&redis, &cluster);
    let guard = lock(&locks, "x").await;
    coordinators.pause(0);
    tokio::time::timeout(BOUND, guard.lost()).await.unwrap();
    assert!(guard.check().is_err());
    assert!(locks.try_lock(&Keys::one("y"), soon()).await.is_err());
    drop(guard);
    coordinators.resume(0);
    assert!(lock(&locks, "x").await.check().is_ok());
    coordinators.stop().await;
}

/// What a process of its own does as a member: it locks one key, and says which strategy is in force, until it is told to
/// stop. Then it says how often it has found somebody else inside; the kernel's lock on a file is who sees that.
pub(crate) async fn be_member(url: &str, cluster: &Cluster, folder: &Path) {
    let (locks, _follower) = member_at(url, cluster);
    let (mut told, mut last, mut both) = (told(), None, 0);
    let key = Keys::one("a");
    loop {
        let guard = tokio::select! {
            _ = told.recv() => break,
            guard = locks.lock(&key, soon()) => guard.unwrap(),
        };
        both += u32::from(!alone(folder, &guard));
        let strategy = guard.strategy();
        drop(guard);
        if last.replace(strategy) != Some(strategy) {
            say(strategy.word());
        }
    }
    say(&both.to_string());
}

/// Whether nobody else is inside while this holder is.
fn alone(folder: &Path, guard: &Guard) -> bool {
    let file = File::create(folder.join("inside")).unwrap();
    let alone = file.try_lock().is_ok();
    for _ in 0..20 {
        std::thread::yield_now();
    }
    // One that lost it meanwhile does not count: that is what its end is for.
    let held = guard.check().is_ok();
    let _ = file.unlock();
    alone || !held
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_go_over_together() {
    let (redis, cluster) = (testing::private_redis().await, cluster().await);
    let folder = tempfile::tempdir().unwrap();
    let mut members = [0, 1, 2].map(|_| child::member(&redis.url(), &cluster, folder.path()));
    for member in &mut members {
        assert_eq!(member.says().await, "redis-fenced");
    }
    use Strategy::{Coordination, Redis, RedisFenced, Redlock};
    for strategy in [Redis, Coordination, RedisFenced, Redlock, Coordination, Redis] {
        set(&cluster, strategy).await;
        for member in &mut members {
            assert_eq!(member.says().await, strategy.word());
        }
    }
    for member in &mut members {
        member.tell("stop").await;
        assert_eq!(member.says().await, "0", "two were inside at once");
    }
}

//! What a contest says of each strategy.

use std::{sync::Arc, time::Duration};

use local::testing::{self, PrivateRedis};
use locks::{
    Config, Locks, Strategy,
    bench::{self, Contest, Inside, Waiting, Witness},
};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::stage::{BOUND, cluster, config};

const CONTEST: Contest = Contest {
    contenders: 6,
    keys: 2,
    hold: Duration::from_millis(1),
    think: Duration::ZERO,
    duration: Duration::from_secs(1),
    waiting: Waiting::Queued,
};

#[tokio::test(flavor = "multi_thread")]
async fn two_are_inside_at_once_only_without_a_lock() {
    let (redis, cluster) = (testing::private_redis().await, cluster().await);
    let servers = [testing::private_redis().await, testing::private_redis().await, testing::private_redis().await];
    let redlock: Vec<String> = servers.iter().map(PrivateRedis::url).collect();
    let config = Config { ttl: BOUND, redlock, ..config(&redis) };
    for strategy in Strategy::ALL {
        let locks = Locks::fixed(config.clone(), strategy, Some(cluster.clone())).unwrap();
        let report = bench::contend(|_| locks.clone(), CONTEST).await;
        assert!(report.locks > 0 && report.failures == 0, "{strategy}: {report:?}");
        let guards = !matches!(strategy, Strategy::None | Strategy::Database);
        assert_eq!(report.violations == 0, guards, "{strategy}: {report:?}");
        assert!(report.wait(1.0) >= report.wait(0.5) && report.rate() > 0.0);
    }
}

/// What the caller has of its own, as a transaction that locks a row.
struct Row(OwnedMutexGuard<()>);

impl Inside for Row {
    async fn leave(self) -> bool {
        drop(self.0);
        true
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_ways_to_lock_can_be_compared() {
    let folder = tempfile::tempdir().unwrap();
    let row = Arc::new(Mutex::new(()));
    let enter = move |_, _, _| {
        let row = Arc::clone(&row);
        async move { Ok(Row(row.lock_owned().await)) }
    };
    let witness = Witness::of_this_machine(1, folder.path()).unwrap();
    let report = bench::contend_by(enter, Contest { keys: 1, ..CONTEST }, witness).await;
    assert!(report.locks > 0 && report.failures == 0 && report.violations == 0, "{report:?}");
}

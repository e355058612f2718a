//! Waiting for each other.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use coordination::{
    Name,
    barrier::{Barrier, BarrierError},
};
use tokio::task::JoinSet;

use crate::stage::{BOUND, cluster, soon};

const SHORT: Duration = Duration::from_millis(300);

fn barrier(generation: u64, parties: usize) -> Barrier {
    Barrier { name: Name::literal("begin"), generation, parties }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_goes_on_before_all_have_arrived() {
    let cluster = cluster().await;
    for generation in 0..3 {
        let arrived = Arc::new(AtomicUsize::new(0));
        let mut parties = JoinSet::new();
        for _ in 0..40 {
            let (cluster, arrived) = (cluster.clone(), Arc::clone(&arrived));
            parties.spawn(async move {
                arrived.fetch_add(1, Ordering::SeqCst);
                barrier(generation, 40).wait(&cluster, BOUND).await.unwrap();
                assert_eq!(arrived.load(Ordering::SeqCst), 40);
            });
        }
        soon("all go on", parties.join_all()).await;
    }
    barrier(0, 40).wait(&cluster, BOUND).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn too_few_are_told_and_do_not_count_later() {
    let cluster = cluster().await;
    let error = barrier(0, 2).wait(&cluster, SHORT).await.unwrap_err();
    assert!(matches!(error, BarrierError::TimedOut { arrived: 1, parties: 2, .. }), "{error}");
    let error = barrier(0, 2).wait(&cluster, SHORT).await.unwrap_err();
    assert!(matches!(error, BarrierError::TimedOut { arrived: 1, parties: 2, .. }), "{error}");
    let (both, barrier) = (cluster.clone(), barrier(0, 2));
    assert!(!barrier.is_open(&cluster).await.unwrap());
    let (first, second) = tokio::join!(barrier.wait(&cluster, BOUND), barrier.wait(&both, BOUND));
    first.and(second).unwrap();
    assert!(barrier.is_open(&cluster).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_party_that_dies_is_not_counted() {
    let cluster = cluster().await;
    // Dropped where it waits: its lease is given back.
    let gone = tokio::time::timeout(SHORT, barrier(0, 2).wait(&cluster, BOUND)).await;
    assert!(gone.is_err());
    let error = barrier(0, 2).wait(&cluster, Duration::from_secs(2)).await.unwrap_err();
    assert!(matches!(error, BarrierError::TimedOut { arrived: 1, .. }), "{error}");
}
